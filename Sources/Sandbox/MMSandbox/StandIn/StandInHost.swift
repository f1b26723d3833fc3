import Glibc
import MMCore
import MMGuard
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
    /// The tenant behind the modules; `nil` for generated answers.
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
    /// The number of records after which the process exits, and its status.
    var diesAfter: (records: Int, status: Int32)?
    var modules = StandInModules()
    /// The functions that replace the sign-in cmdlets, once the session has defined them.
    var signIn: SignInSource?
    let jobs = StandInJobs()
    /// The cmdlets that are called in other sessions, once a script has named them.
    private var elsewhere: StandInElsewhere?
    /// The members of tables that the running script's conditions have set, for its connect cmdlet.
    var splatted: [String: JSONValue] = [:]
    /// The script parsed last: benchmarks send the same one repeatedly and shouldn't measure parsing.
    var lastRead: (script: String, parsed: ParsedScript, facts: ScriptFacts)?
    /// The language mode, which `constrain` changes.
    private(set) var language = "FullLanguage"

    init(
        options: StandInOptions, wire: StandInWire, environment: [String: String],
        evaluator: (any ScriptEvaluator)?, tenant: (any StandInTenant)?
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
        // As in a real PowerShell, modules are loaded in full language before the script runs.
        for name in request["load"]?["names"]?.array?.compactMap(\.string) ?? [] {
            if let cmdlet = ScriptNeeds.cmdletElsewhere(name) {
                elsewhere = elsewhere ?? StandInElsewhere(environment)
                elsewhere?.names.insert(cmdlet)
            }
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
        let values = (request["shielded"]?.array ?? []).reduce(request["parameters"] ?? .null) { values, place in
            DateShield.remove(from: values, at: (place.array ?? [])[...])
        }
        var parameters: [String: PowerShellValue] = [:]
        for (name, value) in values.object ?? [:] { parameters[name] = .json(value) }
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

    /// Lets the evaluator run a script, or a statement of one.
    func tryEvaluator(_ parsed: ParsedScript, _ command: PowerShellCommand) -> ScriptEvaluation {
        guard let evaluator else { return .beyond(reason: "there is no evaluator") }
        let (loaded, isConstrained) = (modules.loaded, language == "ConstrainedLanguage")
        let cmdlets = StandInCmdlets(
            tenant: tenant, accounts: modules.signedIn, subscription: modules.subscription,
            isClosed: { isConstrained && !loaded.contains($0.lowercased()) }, lacks: options.lacks, signIn: signIn,
            elsewhere: elsewhere)
        let records = Mailbox<PowerShellRecord>()
        return result(every: 1) {
            await evaluator.evaluate(parsed, command, with: cmdlets) { records.put($0) }
        } meanwhile: {
            for record in records.take() { emit(record) }
        }
    }

    /// Returns the result of work that this thread waits for, and polls for requests now and then; a stop cancels the
    /// work.
    /// - Parameters:
    ///   - milliseconds: the pause between two polls.
    ///   - work: the work, which ends soon after its task is cancelled.
    ///   - meanwhile: handles the results that the work has produced so far; also runs once after its end.
    func result<Value: Sendable>(
        every milliseconds: Int, of work: @escaping @Sendable () async -> Value, meanwhile: () -> Void = {}
    ) -> Value {
        let results = Mailbox<Value>()
        let waiting = WaitingThread()
        let pause = Int32(clamping: milliseconds)
        var task: Task<Void, Never>?
        var isDone = waiting.wait(milliseconds: pause) {
            task = Task(executorPreference: waiting) {
                results.put(await work())
                waiting.post()
            }
        }
        while true {
            let finished = results.take()
            meanwhile()
            if let value = finished.first { return value }
            if !isDone, !shouldContinue() {
                task?.cancel()
                usleep(1000)
            }
            isDone = waiting.wait(milliseconds: pause)
        }
    }
}

/// An evaluator of scripts without PowerShell, for the stand-in.
package protocol ScriptEvaluator: Sendable {
    /// Evaluates a script. Ends soon after its task is cancelled.
    /// - Parameters:
    ///   - script: the parsed script.
    ///   - command: the script, its arguments, and the form of the answer.
    ///   - cmdlets: the modules' cmdlets.
    ///   - emit: receives each record as it is produced.
    func evaluate(
        _ script: ParsedScript, _ command: PowerShellCommand, with cmdlets: any CmdletSource,
        emit: @escaping @Sendable (PowerShellRecord) -> Void
    ) async -> ScriptEvaluation
}

/// The outcome of a script.
package enum ScriptEvaluation: Sendable, Hashable {
    /// It ran.
    case ended(CommandEnd)
    /// The evaluator doesn't support it and has emitted nothing.
    case beyond(reason: String)
}

extension StandInHost {
    /// Answers a command from the recordings, through the evaluator, or statement by statement with the stand-in's few
    /// commands. Anything else becomes an error record.
    func evaluate(_ command: PowerShellCommand) -> CommandEnd {
        if let transcript = Transcript.matching(command) { return replay(transcript) }
        if let (rule, module) = OwnSignInScript.rule(of: command) {
            // Only the first definition counts: what it defines is constant.
            if signIn == nil {
                let granted = modules.signedIn["graph"].flatMap(\.scopes)
                signIn = SignInSource(rule, module: module, tellsState: false, granted: granted)
            }
            return CommandEnd(.completed)
        }
        let (parsed, facts) = read(command.script)
        if let error = parsed.errors.first {
            let place = Place(of: error.extent.start, in: command.script)
            let problem = SyntaxProblem(
                id: error.id, message: "The script doesn't parse: \(error.id).", line: place.line, column: place.column)
            return CommandEnd(.parseFailed, problems: [problem])
        }
        if case .ended(let end) = tryEvaluator(parsed, command) { return end }
        splatted = [:]
        for statement in parsed.root?.body?.statements ?? [] {
            if let end = run(statement, facts, command) { return end }
            if isStopping, !ignoresStops { return CommandEnd(.stopped) }
        }
        return CommandEnd(.completed)
    }

    private func read(_ script: String) -> (ParsedScript, ScriptFacts) {
        if let lastRead, lastRead.script == script { return (lastRead.parsed, lastRead.facts) }
        let parsed = PowerShellParser.parse(script)
        let facts = ScriptFacts(of: parsed)
        lastRead = (script, parsed, facts)
        return (parsed, facts)
    }

    private func replay(_ transcript: Transcript) -> CommandEnd {
        for text in transcript.console { console(text.text, to: text.stream) }
        var end = CommandEnd(.completed)
        for frame in transcript.frames {
            var members = frame
            members["id"] = 1
            guard let decoded = try? HostFrame.decode(JSONWriter.bytes(.object(members))[...]) else { continue }
            switch decoded {
            case .record(_, let record): emit(record)
            case .end(_, let recorded): end = recorded
            default: break
            }
        }
        let home = environment["HOME"] ?? "/"
        if let place = end.location { location = place == "HOME" ? home : place }
        return CommandEnd(
            end.state, failure: end.failure, problems: end.problems,
            exitCode: transcript.runsProgram ? end.exitCode : nil, location: location)
    }

    private func run(_ statement: StatementSyntax, _ facts: ScriptFacts, _ command: PowerShellCommand) -> CommandEnd? {
        let extent = statement.extent
        if reads(extent, facts) { return read(statement, command) }
        var unknown: (name: String, place: Int)?
        for item in facts.items where item.extent.start >= extent.start && item.extent.end <= extent.end {
            guard case .command(let fact) = item.detail, item.depth == 0 else { continue }
            guard let name = fact.name else { continue }
            if let known = StandInCommand.named(name) {
                let isSilent = statement.assigns(item.extent)
                var next: CommandSyntax?
                if case .pipeline(let pipeline) = statement, fact.index + 1 < pipeline.elements.count,
                    case .command(let command) = pipeline.elements[fact.index + 1]
                {
                    next = command
                }
                let call = StandInCall(
                    fact, name: name, parameters: command.parameters, splatted: splatted, isSilent: isSilent, next: next
                )
                return known.run(call, self)
            }
            if unknown == nil, !StandInCommand.ignored.contains(name.lowercased()) {
                unknown = (name, item.extent.start)
            }
        }
        switch statement {
        // Preparations that connect scripts make for their cmdlet.
        case .assignment: return nil
        case .if:
            fillTable(in: extent, facts, command)
            return nil
        case .flow(let flow) where flow.kind == .throw: return thrown()
        case .flow: return CommandEnd(.completed)
        default: break
        }
        if let unknown {
            emit(notFound(unknown.name, Place(of: unknown.place, in: command.script)))
            return nil
        }
        if case .pipeline(let pipeline) = statement, pipeline.elements.count == 1,
            case .expression(let expression)? = pipeline.elements.first,
            let values = StandInValue(expression.expression, parameters: command.parameters)
        {
            for value in values.enumerated { emit(PowerShellRecord(command.format == .text ? .text : .output, value)) }
            return nil
        }
        emit(beyond(nil, Place(of: extent.start, in: command.script)))
        return nil
    }

    /// Runs `if ($Value) { $more.Parameter = … }`: the parameter is set if the script's argument is given.
    private func fillTable(in extent: SourceExtent, _ facts: ScriptFacts, _ command: PowerShellCommand) {
        var value: JSONValue?
        for item in facts.items where item.extent.start >= extent.start && item.extent.end <= extent.end {
            switch item.detail {
            case .variable(let path, _) where value == nil:
                value = StandInValue.value(of: path.path, command.parameters) ?? .null
            case .setMember(let name?, _):
                if let value, value != .null { splatted[name.lowercased()] = value }
            default: break
            }
        }
    }

    /// Returns whether a statement contains one of the reading cmdlets.
    private func reads(_ extent: SourceExtent, _ facts: ScriptFacts) -> Bool {
        facts.items.contains { item in
            guard item.extent.start >= extent.start, item.extent.end <= extent.end,
                case .command(let fact) = item.detail
            else { return false }
            guard let name = fact.name else { return false }
            return StandInReading.named(name) != nil || StandInSubscription.chooses(name)
                || signIn?.knows(name) ?? false
        }
    }

    /// Lets the evaluator run a statement around a reading cmdlet. Leaving out the parts that it can't run would give
    /// wrong rows.
    private func read(_ statement: StatementSyntax, _ command: PowerShellCommand) -> CommandEnd? {
        let extent = statement.extent
        var part = command
        part.script = String(decoding: Array(command.script.utf16)[extent.start..<extent.end], as: UTF16.self)
        part.parameters = [:]
        switch tryEvaluator(PowerShellParser.parse(part.script), part) {
        case .ended(let end): return end.state == .completed ? nil : end
        case .beyond(let reason):
            emit(beyond(reason, Place(of: extent.start, in: command.script)))
            return nil
        }
    }

    private func thrown() -> CommandEnd {
        let message = "The stand-in's script threw."
        return CommandEnd(.failed, failure: CommandFailure(message: message, id: message, line: 1, column: 1))
    }

    /// Returns the error for a statement that the stand-in can't run.
    private func beyond(_ reason: String?, _ place: Place) -> PowerShellRecord {
        let what = reason.map { " (\($0))" } ?? ""
        return errorRecord(
            "The stand-in can't evaluate this\(what); it needs a real PowerShell.", id: "StandInCannotEvaluate", place)
    }

    /// Returns PowerShell's error for an unknown command. A cmdlet that the services have is only unknown here, unless
    /// it is one of an Azure module that isn't installed.
    private func notFound(_ name: String, _ place: Place) -> PowerShellRecord {
        let azure = StandInModule.named("azure").map { [$0.name] + $0.companions } ?? []
        let isLacking = CmdletCompletion(module: "azure").azureModule(of: name).map { !azure.contains($0) } ?? false
        guard isLacking || !CmdletClasses().isOfService(name) else {
            return errorRecord(
                "The sandbox doesn't know the cmdlet '\(name)'; the real service does.", id: "NotServedBySandbox",
                place,
                target: name)
        }
        return errorRecord(
            Self.notRecognized(name), id: "CommandNotFoundException", place, target: name)
    }

    /// Returns PowerShell's message for an unknown command.
    static func notRecognized(_ name: String) -> String {
        """
        The term '\(name)' is not recognized as a name of a cmdlet, function, script file, or executable program.
        Check the spelling of the name, or if a path was included, verify that the path is correct and try again.
        """
    }

    /// Creates an error record.
    func errorRecord(_ message: String, id: String, _ place: Place, target: String = "") -> PowerShellRecord {
        PowerShellRecord(
            .error,
            [
                "message": .string(message), "id": .string(id), "category": "ObjectNotFound",
                "target": .string(target), "type": "System.Management.Automation.RuntimeException",
                "line": .int(Int64(place.line)), "column": .int(Int64(place.column)), "text": "",
            ])
    }

    /// A line and column, counted from 1.
    struct Place {
        var line = 1
        var column = 1

        init() {}

        init(of offset: Int, in script: String) {
            for unit in script.utf16.prefix(offset) {
                if unit == 0x0A {
                    line += 1
                    column = 1
                } else {
                    column += 1
                }
            }
        }
    }
}

extension StatementSyntax {
    /// Returns whether the output at a position is assigned, and so not emitted.
    fileprivate func assigns(_ place: SourceExtent) -> Bool {
        switch self {
        case .assignment: true
        case .if(let choice):
            (choice.clauses.map(\.body) + [choice.elseBody].compactMap(\.self)).flatMap(\.statements).contains {
                $0.extent.start <= place.start && place.end <= $0.extent.end && $0.assigns(place)
            }
        default: false
        }
    }
}

extension Transcript {
    private static let byScript: [String: Transcript] = {
        var all: [String: Transcript] = [:]
        // An empty script or a lone number occurs in several recordings: the first one of each script counts.
        for transcript in Transcript.all where all[transcript.command.script] == nil {
            all[transcript.command.script] = transcript
        }
        return all
    }()

    /// Returns the recording of exactly this command.
    static func matching(_ command: PowerShellCommand) -> Transcript? {
        guard let transcript = byScript[command.script], transcript.command == command else { return nil }
        return transcript
    }
}

/// A command that the stand-in implements.
struct StandInCommand: Sendable {
    /// Runs the command.
    /// - Returns: an end when the command ends the whole script.
    let run: @Sendable (StandInCall, StandInHost) -> CommandEnd?

    /// Commands that this product's scripts use around their cmdlet, and that the stand-in can skip with the same
    /// result.
    static let ignored: Set<String> = [
        "select-object", "where-object", "foreach-object", "convertto-securestring", "out-null",
    ]

    /// Returns the command with this name, ignoring case.
    static func named(_ name: String) -> StandInCommand? {
        // A name may be qualified by its module.
        all[(name.split(separator: "\\").last.map(String.init) ?? name).lowercased()]
    }

    private static let all: [String: StandInCommand] = {
        var all: [String: StandInCommand] = [
            "start-sleep": StandInCommand { call, host in
                let seconds = call.named["seconds"]?.double ?? call.values.first?.double
                let wait = call.named["milliseconds"]?.double ?? seconds.map { $0 * 1000 } ?? 0
                return host.wait(milliseconds: Int(wait)) ? nil : CommandEnd(.stopped)
            },
            "write-output": StandInCommand { call, host in
                let values = call.named["inputobject"].map { [$0] } ?? call.values
                for value in values where !call.isSilent { host.emit(PowerShellRecord(.output, value)) }
                return nil
            },
            "write-warning": StandInCommand { call, host in
                host.emit(PowerShellRecord(.warning, .string(call.text(0) ?? "")))
                return nil
            },
            "write-host": StandInCommand { call, host in
                host.emit(PowerShellRecord(.information, ["message": .string(call.text(0) ?? ""), "tags": ["PSHOST"]]))
                return nil
            },
            "write-error": StandInCommand { call, host in
                let id = "Microsoft.PowerShell.Commands.WriteErrorException"
                host.emit(host.errorRecord(call.text(0) ?? "", id: id, StandInHost.Place()))
                return nil
            },
            "import-module": StandInCommand { call, host in importModule(call, host) },
            "get-module": StandInCommand { call, host in
                guard !host.options.missingModule else { return nil }
                let name = call.argument("Name") ?? call.text(0) ?? ""
                if let version = host.modules.version(of: name, host.options) {
                    host.emit(PowerShellRecord(.output, .string(version)))
                }
                return nil
            },
            "get-command": StandInCommand { call, host in load(call, host, "CommandNotFoundException", "program") },
            "get-job": StandInCommand(run: StandInJobs.list),
            "wait-job": StandInCommand(run: StandInJobs.wait),
            "invoke-standin": StandInCommand { call, host in StandInBehaviour.run(call, host) },
        ]
        for (name, run) in StandInModules.commands { all[name] = StandInCommand(run: run) }
        return all
    }()

    private static func importModule(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        if let end = load(call, host, "Modules_ModuleNotFound", "module") { return end }
        let name = call.argument("Name") ?? call.text(0) ?? ""
        if let version = host.modules.version(of: name, host.options), let least = call.argument("Least"),
            StandInModules.numbers(version).lexicographicallyPrecedes(StandInModules.numbers(least))
        {
            return CommandEnd(
                .failed,
                failure: CommandFailure(
                    message:
                        "The specified module '\(name)' with version '\(least)' was not loaded because no valid module "
                        + "file was found in any module directory.",
                    id: "Modules_ModuleWithVersionNotFound", line: 2, column: 1))
        }
        host.modules.loaded.insert(name.lowercased())
        return nil
    }

    private static func load(_ call: StandInCall, _ host: StandInHost, _ id: String, _ what: String) -> CommandEnd? {
        guard host.options.missingModule else { return nil }
        let name = call.argument("Name") ?? call.text(0) ?? ""
        return CommandEnd(
            .failed,
            failure: CommandFailure(
                message: "The specified \(what) '\(name)' was not loaded because it was not found.", id: id, line: 2,
                column: 1))
    }
}
