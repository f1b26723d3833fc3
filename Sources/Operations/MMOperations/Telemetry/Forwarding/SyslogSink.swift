import Glibc
import MMCore
import MMSystem

/// Sends lines to a syslog server or the machine's own log daemon.
final class SyslogSink: AuditSink {
    private let destination: AuditDestination
    private let socket = Mutex<SyslogSocket?>(nil)
    private let patience: Duration

    init(_ destination: AuditDestination, patience: Duration = .seconds(10)) {
        (self.destination, self.patience) = (destination, patience)
    }

    func send(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault) {
        let messages = lines.map { SyslogMessage.bytes(of: $0) }
        do throws(MMError) {
            try await BlockingWork.run { [self] () throws(MMError) in
                try socket.withLock { socket throws(MMError) in
                    let until = Deadline.after(patience)
                    // The other side may have closed it since the last batch.
                    if socket?.isClosed == true { socket = nil }
                    do throws(MMError) {
                        let open: SyslogSocket
                        if let held = socket {
                            open = held
                        } else {
                            open = try SyslogSocket(to: destination, until: until)
                        }
                        socket = open
                        for message in messages { try open.send(message, until: until) }
                        try open.settle(until: until)
                    } catch {
                        socket = nil
                        throw error
                    }
                }
            }
        } catch {
            throw AuditSinkFault(error.message)
        }
    }
}

/// An audit line as a message of syslog (RFC 5424).
struct SyslogMessage {
    /// This machine's name, as far as a message may hold it.
    static let host: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "-" }
        return printable(String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self), 255)
    }()

    /// The message, without any framing.
    /// - Parameters:
    ///   - line: the line, which the message holds whole.
    ///   - host: whose line it is.
    static func bytes(of line: ArraySlice<UInt8>, host: String = SyslogMessage.host) -> [UInt8] {
        let entry: JSONValue? = try? JSONParser.parse(Array(line))
        let severity = severity(of: entry?["outcome"]?.string)
        let time = entry?["time"]?.string ?? "-"
        let operation = printable(entry?["operation"]?.string ?? "", 32)
        // Facility 13 is “log audit”.
        return Array("<\(13 * 8 + severity)>1 \(printable(time, 32)) \(host) mm - \(operation) - ".utf8) + line
    }

    /// 6 is informational, 5 a notice, 4 a warning.
    private static func severity(of outcome: String?) -> Int {
        switch outcome {
        case "done", "begun", nil: 6
        case MMErrorCode.denied.word, MMErrorCode.forbidden.word: 4
        default: 5
        }
    }

    /// A field of the header: printable ASCII without blanks.
    private static func printable(_ text: String, _ longest: Int) -> String {
        let kept = text.unicodeScalars.filter { (0x21...0x7E).contains($0.value) }.prefix(longest)
        return kept.isEmpty ? "-" : String(String.UnicodeScalarView(kept))
    }
}
