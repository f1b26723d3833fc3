public import MMCore

/// One line that the bootstrap script sends.
package enum HostFrame: Sendable, Hashable {
    /// The greeting, the first line of a host.
    case hello(HostHello)
    /// A record of command `id`.
    case record(id: UInt64, PowerShellRecord)
    /// A record of command `id` that exceeded a limit and was skipped.
    case leftOut(id: UInt64, Excess)
    /// The end of command `id`.
    case end(id: UInt64, CommandEnd)
    /// Command `id` was refused because another one runs.
    case busy(id: UInt64)
    /// The answer to a ping or a collection.
    case pong(id: UInt64, HostPulse)
    /// The answer to a switch of the language mode.
    case constrained(id: UInt64)

    /// The limit that a record exceeded.
    package enum Excess: Sendable, Hashable {
        /// The record's size in bytes.
        case bytes(Int)
        /// Its nesting is deeper than this number of levels.
        case depth(Int)
    }
}

/// The greeting of a host.
package struct HostHello: Sendable, Hashable {
    /// The version of the protocol.
    package let version: Int
    /// The nonce that proves that it was started by this program.
    package let nonce: String
    /// The process id.
    package let processID: Int32
    /// The version of PowerShell.
    package let powerShell: String
    /// The name of the runtime.
    package let runtime: String
}

/// The state of a host, as it reports it.
package struct HostPulse: Sendable, Hashable {
    /// Whether a command runs.
    package let isBusy: Bool
    /// The resident memory in bytes, as the runtime measures it.
    package let workingSet: Int
    /// The size of live objects in bytes.
    package let heap: Int
}

/// A violation of the protocol by a host. The process can't be trusted any more.
package struct HostWireFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// The description of the problem, without quoting the line, which may contain anything.
    package let problem: String

    /// Creates a fault.
    package init(_ problem: String) { self.problem = problem }

    /// The fault in words.
    package var description: String { problem }
}

extension HostFrame {
    /// The version of the protocol that this driver uses.
    package static let wireVersion = 1

    /// Reads one line, without its line end.
    /// - Parameters:
    ///   - line: UTF-8 JSON.
    ///   - limits: the limits for parsing it.
    /// - Throws: `HostWireFault` for anything that isn't a frame.
    package static func decode(_ line: ArraySlice<UInt8>, limits: JSONLimits = .standard) throws(HostWireFault)
        -> HostFrame
    {
        if let record = plainRecord(line, limits: limits) { return record }
        let frame: JSONValue
        do { frame = try JSONParser.parse(line, limits: limits) } catch {
            throw HostWireFault("a line that isn't JSON: \(error)")
        }
        guard let members = frame.object else { throw HostWireFault("a line that is \(frame.kindName), not an object") }
        guard let kind = members["t"]?.string else { throw HostWireFault("a frame without a kind") }
        if kind == "hello" { return .hello(try hello(members)) }
        let id = try identifier(members)
        switch kind {
        case "end": return try end(members, id: id)
        case "pong":
            let pulse = HostPulse(
                isBusy: members["busy"]?.bool ?? false, workingSet: members["workingSet"]?.int ?? 0,
                heap: members["heap"]?.int ?? 0)
            return .pong(id: id, pulse)
        case "constrained": return .constrained(id: id)
        default:
            guard let stream = PowerShellRecord.Stream(rawValue: kind) else {
                throw HostWireFault("a frame of an unknown kind")
            }
            guard let value = members["v"] else { throw HostWireFault("a record without a value") }
            return .record(id: id, PowerShellRecord(stream, value))
        }
    }

    /// Parses a record in the form that the bootstrap script writes, without building the object around the value:
    /// `{"t":"out","id":7,"v":…}`. Returns `nil` for other forms, which the general parser handles.
    private static func plainRecord(_ line: ArraySlice<UInt8>, limits: JSONLimits) -> HostFrame? {
        guard let head = FrameHead(line), line.last == UInt8(ascii: "}") else { return nil }
        let body = line[head.valueStart..<(line.endIndex - 1)]
        do {
            return .record(id: head.id, PowerShellRecord(head.stream, try JSONParser.parse(body, limits: limits)))
        } catch {
            // If another member follows the value, this isn't a value; then the general parser decides.
            return error.isTooDeep ? .leftOut(id: head.id, .depth(limits.depth)) : nil
        }
    }

    private static func identifier(_ members: JSONObject) throws(HostWireFault) -> UInt64 {
        guard case .int(let number)? = members["id"], let id = UInt64(exactly: number) else {
            throw HostWireFault("a frame without a usable id")
        }
        return id
    }

    private static func hello(_ members: JSONObject) throws(HostWireFault) -> HostHello {
        guard let version = members["protocol"]?.int, let nonce = members["nonce"]?.string,
            let pid = members["pid"]?.int.flatMap({ Int32(exactly: $0) })
        else { throw HostWireFault("a greeting without protocol, nonce or process id") }
        return HostHello(
            version: version, nonce: nonce, processID: pid, powerShell: members["version"]?.string ?? "",
            runtime: members["runtime"]?.string ?? "")
    }

    private static func end(_ members: JSONObject, id: UInt64) throws(HostWireFault) -> HostFrame {
        guard let word = members["state"]?.string else { throw HostWireFault("an end without a state") }
        if word == "Busy" { return .busy(id: id) }
        guard let state = CommandEnd.State(rawValue: word) else { throw HostWireFault("an end in an unknown state") }
        let failure = members["failure"]?.object.map { failure in
            CommandFailure(
                message: cause(failure["message"]?.string ?? "", type: failure["type"]?.string),
                type: failure["type"]?.string, id: failure["id"]?.string,
                line: failure["line"]?.int, column: failure["column"]?.int, file: failure["file"]?.string)
        }
        let problems = (members["problems"]?.array ?? []).map { problem in
            SyntaxProblem(
                id: problem["id"]?.string ?? "", message: problem["message"]?.string ?? "",
                line: problem["line"]?.int ?? 0, column: problem["column"]?.int ?? 0)
        }
        let end = CommandEnd(
            state, failure: failure, problems: problems, exitCode: members["exitCode"]?.int,
            location: members["location"]?.string,
            conversionFaults: (members["sink"]?.array ?? []).compactMap(\.string))
        return .end(id: id, end)
    }
}

extension HostFrame {
    /// Returns the message without the sentence that PowerShell puts in front of an error that ends a command only
    /// because of `-ErrorAction Stop`.
    private static func cause(_ message: String, type: String?) -> String {
        guard type == "System.Management.Automation.ActionPreferenceStopException",
            message.hasPrefix("The running command stopped because"), let end = message.firstRange(of: ": ")
        else { return message }
        return String(message[end.upperBound...])
    }
}

/// The front part of a record's line, up to its value.
struct FrameHead {
    let stream: PowerShellRecord.Stream
    let id: UInt64
    let valueStart: Int

    private static let opening = Array(#"{"t":""#.utf8)
    private static let middle = Array(#"","id":"#.utf8)
    private static let ending = Array(#","v":"#.utf8)

    init?(_ line: ArraySlice<UInt8>) {
        guard line.starts(with: Self.opening) else { return nil }
        var position = line.startIndex + Self.opening.count
        let nameStart = position
        while position < line.endIndex, line[position] >= UInt8(ascii: "a"), line[position] <= UInt8(ascii: "z") {
            position += 1
        }
        guard let stream = Self.stream(line[nameStart..<position]) else { return nil }
        guard line[position...].starts(with: Self.middle) else { return nil }
        position += Self.middle.count
        let digitsStart = position
        var id: UInt64 = 0
        while position < line.endIndex, line[position] >= 0x30, line[position] <= 0x39 {
            // Eighteen digits can't overflow; longer ids are never used.
            guard position - digitsStart < 18 else { return nil }
            id = id * 10 + UInt64(line[position] - 0x30)
            position += 1
        }
        guard position > digitsStart, line[position...].starts(with: Self.ending) else { return nil }
        self.stream = stream
        self.id = id
        valueStart = position + Self.ending.count
    }

    private static func stream(_ name: ArraySlice<UInt8>) -> PowerShellRecord.Stream? {
        if name.count == 3, name.elementsEqual("out".utf8) { return .output }
        return PowerShellRecord.Stream(rawValue: String(decoding: name, as: UTF8.self))
    }
}

/// One record of a running command: an object, a line of text, an error, a warning or another of PowerShell's streams.
public struct PowerShellRecord: Sendable, Hashable {
    /// The source of a record.
    public enum Stream: String, Sendable, Hashable, CaseIterable {
        /// An object of the pipeline, as JSON.
        case output = "out"
        /// A line as a console would show it: text mode, `Format-*`, and objects that can't be represented in JSON.
        case text
        /// An error record: `message`, `id`, `category`, `target`, `type`, `line`, `column`, `text`, and `file` if the
        /// line is in a module.
        case error
        /// The text of a warning.
        case warning
        /// The text of a verbose record.
        case verbose
        /// The text of a debug record.
        case debug
        /// An information record: `message` and `tags`; `Write-Host` sets the tag `PSHOST`, and `noNewline` if no
        /// newline follows.
        case information
        /// The latest progress: `activity`, `status`, `operation`, `percent`, `seconds`.
        case progress
    }

    /// The stream.
    public let stream: Stream
    /// The value that was sent.
    public let value: JSONValue

    /// Creates a record.
    /// - Parameters:
    ///   - stream: its stream.
    ///   - value: the value.
    public init(_ stream: Stream, _ value: JSONValue) {
        self.stream = stream
        self.value = value
    }

    /// Whether it is the output of `Write-Host`: a console shows it among the output.
    public var isHostText: Bool {
        stream == .information && value["tags"]?.array?.contains("PSHOST") == true
    }

    /// Whether a newline follows; not with `Write-Host -NoNewline`.
    public var endsLine: Bool { value["noNewline"]?.bool != true }

    /// Whether it replaces a value that was too large to be sent.
    public var isMissingValue: Bool {
        stream == .error && [Self.notSent, Self.tooLarge].contains(value["id"]?.string)
    }

    /// The error id of a value that PowerShell could not send.
    static let notSent = "ValueNotSent"
    /// The error id of a value that exceeded the limit of a record.
    static let tooLarge = "RecordTooLarge"

    /// The text of a record that has one: the text itself, or the `message` of errors and information; otherwise `nil`.
    public var message: String? {
        switch stream {
        case .error, .information: value["message"]?.string ?? value.string
        case .progress: value["activity"]?.string
        case .output, .text, .warning, .verbose, .debug: value.string
        }
    }
}

/// Splits the bytes received from a host into frames.
///
/// It keeps at most one unfinished line. A line over the limit is skipped to its end and reported if its head names the
/// command it belongs to; the frames after it are unaffected.
package struct WireDecoder: Sendable {
    /// The maximum length of a line in bytes.
    package let lineLimit: Int
    private let limits: JSONLimits
    private var buffer: [UInt8] = []
    /// The offset of the first line that wasn't returned yet.
    private var start = 0
    /// The offset up to which the buffer was searched for a line end.
    private var scanned = 0
    /// The head and the current length of the line that is being skipped.
    private var passing: (front: [UInt8], bytes: Int)?

    /// Creates a decoder.
    /// - Parameter lineLimit: the maximum length of a line in bytes.
    package init(lineLimit: Int = 64 << 20) {
        self.lineLimit = lineLimit
        limits = JSONLimits(bytes: lineLimit, depth: 256)
    }

    /// The number of bytes of an unfinished line.
    package var pendingBytes: Int { buffer.count - start }

    /// Whether the host stopped in the middle of a line.
    package var isInsideLine: Bool { pendingBytes > 0 || passing != nil }

    /// Adds received bytes.
    package mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 0, start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 1 << 16)
            start = 0
            scanned = 0
        } else if start > 1 << 20 {
            buffer.removeSubrange(..<start)
            scanned -= start
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// Returns the next frame, or `nil` when more bytes are needed.
    /// - Throws: `HostWireFault` for a line that isn't a frame; the decoder must not be used any more.
    package mutating func next() throws(HostWireFault) -> HostFrame? {
        while let line = nextLine() {
            if var passed = passing {
                passing = nil
                passed.bytes += line.count
                if let frame = Self.report(passed) { return frame }
                throw HostWireFault("a line of \(passed.bytes) bytes that isn't a record")
            }
            if line.isEmpty { continue }
            if line.count > lineLimit {
                if let frame = Self.report((Array(line.prefix(64)), line.count)) { return frame }
                throw HostWireFault("a line of \(line.count) bytes that isn't a record")
            }
            return try HostFrame.decode(line, limits: limits)
        }
        if passing != nil || buffer.count - start > lineLimit {
            let front = passing?.front ?? Array(buffer[start...].prefix(64))
            passing = (front, (passing?.bytes ?? 0) + buffer.count - start)
            buffer = []
            start = 0
            scanned = 0
        }
        if start == buffer.count { releaseBuffer() }
        return nil
    }

    private static func report(_ passed: (front: [UInt8], bytes: Int)) -> HostFrame? {
        FrameHead(passed.front[...]).map { .leftOut(id: $0.id, .bytes(passed.bytes)) }
    }

    /// Returns a line without its end. A carriage return before the line end is JSON whitespace.
    private mutating func nextLine() -> ArraySlice<UInt8>? {
        guard let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) else {
            scanned = buffer.count
            return nil
        }
        let line = buffer[start..<end]
        start = end + 1
        scanned = start
        return line
    }

    /// Releases the buffer, so that idle sessions hold no memory for past lines.
    private mutating func releaseBuffer() {
        guard !buffer.isEmpty else { return }
        buffer.removeAll(keepingCapacity: false)
        start = 0
        scanned = 0
    }
}

/// The end of a command inside PowerShell.
public struct CommandEnd: Sendable, Hashable {
    /// The state of the pipeline when it ended.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// It ran to its end; there may have been error records.
        case completed = "Completed"
        /// A terminating error ended it.
        case failed = "Failed"
        /// It was stopped.
        case stopped = "Stopped"
        /// The script has syntax errors; nothing ran.
        case parseFailed = "ParseFailed"
    }

    /// The state.
    public let state: State
    /// The terminating error of a failed command.
    public let failure: CommandFailure?
    /// The syntax errors of a script that didn't parse.
    package let problems: [SyntaxProblem]
    /// The exit code of the last native program that this command ran.
    public let exitCode: Int?
    /// The session's location after the command.
    public let location: String?
    /// The faults while records were converted to text; empty unless something is wrong with the host itself.
    package let conversionFaults: [String]

    /// Creates an end.
    /// - Parameters:
    ///   - state: the state of the pipeline.
    ///   - failure: the terminating error.
    ///   - problems: syntax errors.
    ///   - exitCode: exit code of the last native program.
    ///   - location: the location after the command.
    ///   - conversionFaults: the faults while records were converted to text.
    package init(
        _ state: State, failure: CommandFailure? = nil, problems: [SyntaxProblem] = [], exitCode: Int? = nil,
        location: String? = nil, conversionFaults: [String] = []
    ) {
        self.state = state
        self.failure = failure
        self.problems = problems
        self.exitCode = exitCode
        self.location = location
        self.conversionFaults = conversionFaults
    }
}

/// The terminating error that ended a command.
public struct CommandFailure: Sendable, Hashable {
    /// PowerShell's message.
    public let message: String
    /// The .NET type of the exception.
    public let type: String?
    /// The fully qualified error id.
    public let id: String?
    /// The line of the script, from 1; 0 or `nil` when unknown.
    public let line: Int?
    /// The column of the script, from 1; 0 or `nil` when unknown.
    public let column: Int?
    /// The module's file that line and column refer to; `nil` for the script itself.
    public let file: String?

    /// Creates a failure.
    /// - Parameters:
    ///   - message: PowerShell's message.
    ///   - type: the .NET type of the exception.
    ///   - id: the fully qualified error id.
    ///   - line: line of the script.
    ///   - column: column of the script.
    ///   - file: the module's file that line and column refer to.
    public init(
        message: String, type: String? = nil, id: String? = nil, line: Int? = nil, column: Int? = nil,
        file: String? = nil
    ) {
        self.message = message
        self.type = type
        self.id = id
        self.line = line
        self.column = column
        self.file = file
    }
}

/// One syntax error that PowerShell's own parser found.
package struct SyntaxProblem: Sendable, Hashable {
    /// The parser's error id.
    package let id: String
    /// The parser's message.
    package let message: String
    /// The line, from 1.
    package let line: Int
    /// The column, from 1.
    package let column: Int

    /// Creates a problem.
    /// - Parameters:
    ///   - id: the parser's error id.
    ///   - message: the parser's message.
    ///   - line: line, from 1.
    ///   - column: column, from 1.
    package init(id: String, message: String, line: Int, column: Int) {
        self.id = id
        self.message = message
        self.line = line
        self.column = column
    }
}
