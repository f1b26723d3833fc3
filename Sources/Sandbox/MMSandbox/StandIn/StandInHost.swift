import Glibc
import MMCore
package import MMNative
package import MMPowerShell
import MMSystem
package import PowerShellSyntax

/// A session host without PowerShell. One thread serves it: while a command waits or floods, it polls for requests in
/// between, as the bootstrap script's loop does.
final class StandInHost {
    let options: StandInOptions
    let wire: StandInWire
    let environment: [String: String]
    private let evaluator: (any ScriptEvaluator)?
    /// The tenant behind the modules; `nil` for made-up answers.
    let tenant: (any StandInTenant)?
    /// The id of the running command.
    private(set) var current: UInt64 = 0
    private(set) var isStopping = false
    /// Whether requests to stop are read but ignored.
    var ignoresStops = false
    var location: String
    var exitCode = JSONValue.null
    /// The number of records sent for the running command.
    private(set) var sent = 0
    /// Whether every answer to a question is preceded by unsolicited ones.
    var answersForOthers = false
    /// After how many records the process exits, and with which status.
    var diesAfter: (records: Int, status: Int32)?
    var modules = StandInModules()
    /// The functions in front of the cmdlets that sign in, once the session has defined them.
    var signIn: SignInSource?
    let jobs = StandInJobs()
    /// The members of tables that the running script's conditions have filled, for its connect cmdlet.
    var splatted: [String: JSONValue] = [:]
    /// The script parsed last: benchmarks send the same one repeatedly, and parsing is no part of what they measure.
    var lastRead: (script: String, parsed: ParsedScript, facts: ScriptFacts)?
    /// The language mode, which `constrain` changes.
    private(set) var language = "FullLanguage"

    init(
        options: StandInOptions, wire: StandInWire, environment: [String: String],
        evaluator: (any ScriptEvaluator)?, tenant: (any StandInTenant)? = nil
    ) {
        self.options = options
        self.wire = wire
        self.environment = environment
        self.evaluator = evaluator
        self.tenant = tenant
        location = environment["HOME"] ?? "/"
    }

    /// Serves requests until the connection ends.
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
        // What the script in front of a real PowerShell does: modules are loaded in full language before the script runs.
        for name in request["load"]?["names"]?.array?.compactMap(\.string) ?? [] {
            let plain = name.split(separator: "\\").last.map(String.init) ?? name
            if let companion = StandInReading.named(plain)?.companion { modules.loaded.insert(companion.lowercased()) }
        }
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

    /// Counts records, and exits the process once `diesAfter` is reached.
    func count(_ records: Int) {
        sent += records
        guard let limit = diesAfter, sent >= limit.records else { return }
        wire.flush()
        _exit(limit.status)
    }

    /// Writes console text immediately.
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

    /// Waits, while polling for requests.
    /// - Returns: `false` when the command was stopped before the time was up.
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

    /// Polls for requests.
    /// - Returns: whether the command may continue.
    func shouldContinue() -> Bool {
        lookUp(0)
        return !isStopping || ignoresStops
    }

    /// Handles the next request; the end of the connection ends the process, whatever it is doing.
    private func lookUp(_ milliseconds: Int32) {
        switch wire.request(within: milliseconds) {
        case .request(let request): if let status = take(request) { _exit(status) }
        case .nothing: return
        case .end: _exit(0)
        }
    }

    /// Has the evaluator carry out a script, or a statement of one.
    func tryEvaluator(_ parsed: ParsedScript, _ command: PowerShellCommand) -> ScriptEvaluation {
        guard let evaluator else { return .beyond(reason: "there is no evaluator") }
        let (loaded, isConstrained) = (modules.loaded, language == "ConstrainedLanguage")
        let cmdlets = StandInCmdlets(
            tenant: tenant, accounts: modules.signedIn, subscription: modules.subscription,
            isClosed: { isConstrained && !loaded.contains($0.lowercased()) }, signIn: signIn)
        if let reason = evaluator.reasonAgainst(parsed, command, with: cmdlets) { return .beyond(reason: reason) }
        let records = Mailbox<PowerShellRecord>()
        return result(every: 1) {
            await evaluator.evaluate(command, with: cmdlets) { records.put($0) }
        } meanwhile: {
            for record in records.take() { emit(record) }
        }
    }

    /// Returns the result of work that runs beside this thread, which polls for requests now and then; a stop cancels the
    /// work.
    /// - Parameters:
    ///   - milliseconds: the pause between two polls.
    ///   - work: the work, which ends soon after its task is cancelled.
    ///   - meanwhile: takes what the work has produced; also runs once after its end.
    func result<Value: Sendable>(
        every milliseconds: Int, of work: @escaping @Sendable () async -> Value, meanwhile: () -> Void = {}
    ) -> Value {
        let results = Mailbox<Value>()
        let isDone = ThreadSemaphore()
        let task = Task {
            results.put(await work())
            isDone.post()
        }
        while true {
            let finished = results.take()
            meanwhile()
            if let value = finished.first { return value }
            // The end of the work is told at once: a warm call takes no longer than what it does.
            if isDone.wait(milliseconds: Int32(clamping: milliseconds)) { continue }
            if !shouldContinue() {
                task.cancel()
                usleep(1000)
            }
        }
    }
}

/// Evaluates scripts without a PowerShell, for the stand-in.
package protocol ScriptEvaluator: Sendable {
    /// Why a script of this form is beyond the evaluator; `nil` when it may be asked to evaluate it.
    func reasonAgainst(_ script: ParsedScript, _ command: PowerShellCommand, with cmdlets: any CmdletSource) -> String?

    /// Evaluates a script. Ends soon after its task is cancelled.
    /// - Parameters:
    ///   - command: the script, its arguments, and the form of the answer.
    ///   - cmdlets: the modules' cmdlets.
    ///   - emit: receives each record as it is produced.
    func evaluate(
        _ command: PowerShellCommand, with cmdlets: any CmdletSource,
        emit: @escaping @Sendable (PowerShellRecord) -> Void
    ) async -> ScriptEvaluation
}

/// What became of a script.
package enum ScriptEvaluation: Sendable, Hashable {
    /// It ran.
    case ended(CommandEnd)
    /// It is beyond the evaluator, which has emitted nothing.
    case beyond(reason: String)
}

extension ScriptEvaluator {
    /// Every script is tried.
    package func reasonAgainst(
        _ script: ParsedScript, _ command: PowerShellCommand, with cmdlets: any CmdletSource
    ) -> String? { nil }
}
