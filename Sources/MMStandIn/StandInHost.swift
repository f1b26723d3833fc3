import Glibc
import MMCore
import MMPowerShell
import MMSystem
import PowerShellSyntax

/// A host that speaks the wire without a PowerShell behind it. One thread serves it: while a command waits or floods, it
/// looks up for requests in between, as the bootstrap script's loop does.
final class StandInHost {
    let options: StandInOptions
    let wire: StandInWire
    let environment: [String: String]
    private let evaluator: (any PipelineEvaluating)?
    /// The tenant behind the modules; `nil` for invented answers.
    let tenant: (any StandInTenant)?
    /// The command that runs.
    private(set) var current: UInt64 = 0
    private(set) var isStopping = false
    /// A stop is read, and nothing happens.
    var ignoresStops = false
    var location: String
    var exitCode = JSONValue.null
    /// Records that were sent for the running command.
    private(set) var sent = 0
    /// Every answer to a question comes behind others that nobody asked for.
    var answersForOthers = false
    /// After so many records the process ends.
    var diesAfter: (records: Int, status: Int32)?
    var modules = StandInModules()
    /// The script that was read last: measurements send one again and again, and reading it is no part of what they measure.
    var lastRead: (script: String, parsed: ParsedScript, facts: ScriptFacts)?
    /// The language mode, as `constrain` has left it.
    private(set) var language = "FullLanguage"

    init(
        options: StandInOptions, wire: StandInWire, environment: [String: String],
        evaluator: (any PipelineEvaluating)?, tenant: (any StandInTenant)? = nil
    ) {
        self.options = options
        self.wire = wire
        self.environment = environment
        self.evaluator = evaluator
        self.tenant = tenant
        location = environment["HOME"] ?? "/"
    }

    /// Serves until the wire ends.
    /// - Returns: the exit status.
    func serve() -> Int32 {
        while case .request(let request) = wire.request(within: nil) {
            if let status = take(request) { return status }
        }
        return 0
    }

    private func take(_ request: JSONObject) -> Int32? {
        let id = request["id"]?.int.map { UInt64($0) } ?? 0
        switch request["t"]?.string {
        case "run":
            if current != 0 {
                wire.put(["t": "end", "id": .int(Int64(id)), "state": "Busy"])
            } else {
                run(id, request)
            }
        case "stop": if id == current { isStopping = true }
        case "ping", "collect":
            for other in answersForOthers ? [0, id - 1, id + 1] : [] {
                wire.put(["t": "pong", "id": .int(Int64(other)), "busy": true, "workingSet": 1, "heap": 1])
            }
            wire.put([
                "t": "pong", "id": .int(Int64(id)), "busy": .bool(current != 0), "workingSet": 0, "heap": 0,
            ])
        case "constrain":
            language = "ConstrainedLanguage"
            wire.put(["t": "constrained", "id": .int(Int64(id))])
        case "bye":
            wire.flush()
            return 0
        default: break
        }
        return nil
    }

    private func run(_ id: UInt64, _ request: JSONObject) {
        current = id
        isStopping = false
        ignoresStops = false
        exitCode = .null
        sent = 0
        diesAfter = nil
        let command = Self.command(request)
        let end = evaluate(command)
        var frame: JSONObject = ["t": "end", "id": .int(Int64(id))]
        frame["state"] = .string(end.state.rawValue)
        if let failure = end.failure {
            frame["failure"] = [
                "message": .string(failure.message), "type": failure.type.map { .string($0) } ?? nil,
                "id": failure.id.map { .string($0) } ?? nil, "line": .int(Int64(failure.line ?? 0)),
                "column": .int(Int64(failure.column ?? 0)),
            ]
        }
        if end.state == .parseFailed {
            frame["problems"] = .array(
                end.problems.map {
                    [
                        "id": .string($0.id), "message": .string($0.message), "line": .int(Int64($0.line)),
                        "column": .int(Int64($0.column)),
                    ]
                })
        } else {
            frame["exitCode"] = end.exitCode.map { .int(Int64($0)) } ?? exitCode
            frame["location"] = .string(end.location ?? location)
        }
        wire.put(frame)
        wire.flush()
        current = 0
    }

    private static func command(_ request: JSONObject) -> PowerShellCommand {
        var parameters: [String: PowerShellValue] = [:]
        let shielded = Set((request["shielded"]?.array ?? []).compactMap(\.string))
        for (name, value) in request["parameters"]?.object ?? [:] {
            if shielded.contains(name), let text = value.string {
                parameters[name] = .json(.string(String(text.dropFirst())))
            } else {
                parameters[name] = .json(value)
            }
        }
        var command = PowerShellCommand(
            "", parameters: parameters, format: request["format"]?.string == "text" ? .text : .json,
            depth: request["depth"]?.int, width: request["width"]?.int, isLocal: request["local"]?.bool ?? false)
        command.script = request["script"]?.string ?? ""
        return command
    }

    /// Sends a record of the running command.
    func emit(_ record: PowerShellRecord) {
        wire.put(current, record)
        count(1)
    }

    /// Counts records, and ends the process at the one it was told to.
    func count(_ records: Int) {
        sent += records
        guard let limit = diesAfter, sent >= limit.records else { return }
        wire.flush()
        _exit(limit.status)
    }

    /// Writes console text at once.
    func console(_ text: String, to stream: ConsoleText.Stream = .stdout) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { room in
                write(stream == .stdout ? 1 : 2, room.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if count <= 0, errno != EINTR { return }
            done += max(count, 0)
        }
    }

    /// Waits, and looks up for requests meanwhile.
    /// - Returns: whether the time is over; false when the command was stopped.
    func wait(milliseconds: Int) -> Bool {
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        while true {
            if isStopping, !ignoresStops { return false }
            let left = ContinuousClock.now.duration(to: end)
            if left <= .zero { return true }
            let (seconds, attoseconds) = left.components
            let wait = seconds > 3600 ? 3_600_000 : Int32(seconds * 1000 + attoseconds / 1_000_000_000_000_000) + 1
            lookUp(wait)
        }
    }

    /// Looks up for requests.
    /// - Returns: whether the command may go on.
    func goesOn() -> Bool {
        lookUp(0)
        return !isStopping || ignoresStops
    }

    /// Takes the next request; the end of the wire ends the process, whatever it does.
    private func lookUp(_ milliseconds: Int32) {
        switch wire.request(within: milliseconds) {
        case .request(let request): if let status = take(request) { _exit(status) }
        case .nothing: return
        case .end: _exit(0)
        }
    }

    /// Lets the evaluator try.
    func tryEvaluator(_ parsed: ParsedScript, _ command: PowerShellCommand) -> CommandEnd? {
        guard let evaluator, evaluator.mayEvaluate(parsed, command) else { return nil }
        let records = Mailbox<PowerShellRecord>()
        return result(every: 1) {
            await evaluator.evaluate(command) { records.put($0) }
        } meanwhile: {
            for record in records.take() { emit(record) }
        }
    }

    /// The result of work that goes on beside this thread, which looks up for requests meanwhile; a stop cancels the work.
    /// - Parameters:
    ///   - milliseconds: how long to wait between two looks.
    ///   - work: the work; it ends soon when its task is cancelled.
    ///   - meanwhile: takes what the work puts out, once more after its end.
    func result<Value: Sendable>(
        every milliseconds: Int, of work: @escaping @Sendable () async -> Value, meanwhile: () -> Void = {}
    ) -> Value {
        let results = Mailbox<Value>()
        let task = Task { results.put(await work()) }
        while true {
            let finished = results.take()
            meanwhile()
            if let value = finished.first { return value }
            if !wait(milliseconds: milliseconds) {
                task.cancel()
                usleep(1000)
            }
        }
    }
}
