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
