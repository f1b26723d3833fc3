package import MMCore

/// One line that the bootstrap script sends.
package enum HostFrame: Sendable, Hashable {
    /// The first line of a host: who it is.
    case hello(HostHello)
    /// A record of command `id`.
    case record(id: UInt64, PowerShellRecord)
    /// A record of command `id` that was longer than the limit and was passed over.
    case oversized(id: UInt64, bytes: Int)
    /// The end of command `id`.
    case end(id: UInt64, CommandEnd)
    /// Command `id` was refused because another one runs.
    case busy(id: UInt64)
    /// The answer to a ping or a collection.
    case pong(id: UInt64, HostPulse)
    /// The answer to a switch of the language mode.
    case constrained(id: UInt64)
}

/// Who a host says it is.
package struct HostHello: Sendable, Hashable {
    /// Version of the wire.
    package let version: Int
    /// What it was given to prove that it was started by us.
    package let nonce: String
    /// Its process id.
    package let processID: Int32
    /// Version of PowerShell.
    package let powerShell: String
    /// The runtime's own name.
    package let runtime: String

    /// A greeting.
    package init(version: Int, nonce: String, processID: Int32, powerShell: String, runtime: String) {
        self.version = version
        self.nonce = nonce
        self.processID = processID
        self.powerShell = powerShell
        self.runtime = runtime
    }
}

/// How a host is doing.
package struct HostPulse: Sendable, Hashable {
    /// Whether a command runs.
    package let isBusy: Bool
    /// Resident memory in bytes, as the runtime sees it.
    package let workingSet: Int
    /// Bytes of live objects.
    package let heap: Int

    /// A pulse.
    package init(isBusy: Bool, workingSet: Int, heap: Int) {
        self.isBusy = isBusy
        self.workingSet = workingSet
        self.heap = heap
    }
}

/// What a host sent that no host may send. The process behind it can't be trusted any more.
package struct HostWireFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, without quoting the line (it may hold anything).
    package let problem: String

    /// A fault.
    package init(_ problem: String) { self.problem = problem }

    /// The fault in words.
    package var description: String { problem }
}

extension HostFrame {
    /// Version of the wire that this driver speaks.
    package static let wireVersion = 1

    /// Reads one line, without its line end.
    /// - Parameters:
    ///   - line: UTF-8 JSON.
    ///   - limits: how much of it is taken.
    /// - Throws: `WireFault` for anything that is no frame.
    package static func decode(_ line: ArraySlice<UInt8>, limits: JSONLimits = .standard) throws(HostWireFault)
        -> HostFrame
    {
        if let record = try plainRecord(line, limits: limits) { return record }
        let frame: JSONValue
        do { frame = try JSONParser.parse(line, limits: limits) } catch {
            throw HostWireFault("a line that isn't JSON: \(error)")
        }
        guard let members = frame.object else { throw HostWireFault("a line that is \(frame.kindName), not an object") }
        guard let kind = members["t"]?.string else { throw HostWireFault("a frame without a kind") }
        if kind == "hello" { return .hello(try hello(members)) }
        let id = try identifier(members, of: kind)
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

    /// The form in which the sink writes records, read without building the object around the value:
    /// `{"t":"out","id":7,"v":…}`. Anything else goes the general way.
    private static func plainRecord(_ line: ArraySlice<UInt8>, limits: JSONLimits) throws(HostWireFault) -> HostFrame? {
        guard let head = FrameHead(line), line.last == UInt8(ascii: "}") else { return nil }
        let body = line[head.valueStart..<(line.endIndex - 1)]
        // A second member behind the value makes this no value: the general way decides what the line is.
        guard let value = try? JSONParser.parse(body, limits: limits) else { return nil }
        return .record(id: head.id, PowerShellRecord(head.stream, value))
    }

    private static func identifier(_ members: JSONObject, of kind: String) throws(HostWireFault) -> UInt64 {
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
            sinkErrors: (members["sink"]?.array ?? []).compactMap(\.string))
        return .end(id: id, end)
    }
}

extension HostFrame {
    /// What went wrong, without the sentence that PowerShell puts before an error which ends a command only because its
    /// caller wants it so (`-ErrorAction Stop`).
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
            // Eighteen digits can't overflow; longer ids are nobody's.
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
