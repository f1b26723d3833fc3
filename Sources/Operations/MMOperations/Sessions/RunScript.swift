import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMNative
import MMPowerShell
import MMSessions
import MMShell
import PowerShellSyntax

/// The script of a call of `run`: its text, its connection and its module.
///
/// This type and the later stages (`PreparedScript`, `JudgedScript`, `ClearedScript`) are classes. Each value is
/// created once and never changed, and passes through a dozen closures and suspensions, which would each copy a large
/// struct.
final class RunScript: Sendable {
    /// The caller's input, with the module that was found.
    let input: RunInput
    let connection: Connection
    let module: String
    /// The session that it runs in.
    let key: SessionKey
    /// The command for PowerShell.
    let command: PowerShellCommand
    /// The parsed form of the text.
    let reading: ScriptReading
    /// The other service whose cmdlets the script uses besides those of its session: compliance beside Exchange, or the
    /// reverse.
    let serviceBeside: ExchangeTable.Service?
    /// The cmdlets that a script in PowerShell calls in other sessions, in lower case, with the module of each.
    let elsewhere: [String: String]
    /// What was inserted into the text or replaced in it, in sentences.
    let alterations: [String]
    let context: OperationContext
    let services: RunServices

    var guarding: GuardServices { services.requests.guarding }
    var parsed: ParsedScript { reading.parsed }

    /// Reads the script and finds its connection and module.
    /// - Parameter format: the format of PowerShell's output objects; `nil` for the one that the caller asks for.
    /// - Throws: an error that names the field; `notFound` for an unknown connection.
    init(
        _ text: String, _ asked: RunInput, on name: String, altered alterations: [String] = [],
        format: PowerShellCommand.Format? = nil, in context: OperationContext, with services: RunServices
    ) throws(MMError) {
        self.alterations = alterations
        connection = try services.requests.guarding.registry.connection(named: name, in: context)
        var command = PowerShellCommand(text, format: format ?? (asked.output == "text" ? .text : .json))
        command.depth = asked.depth
        command.isLocal = asked.file != nil || format == .objects
        try command.check()
        reading = services.readings.reading(of: command.script)
        let modules = reading.modules
        module =
            if let named = asked.module { try RunModule.named(named) } else {
                try modules.module(inPowerShell: (asked.engine ?? connection.engine) == .pwsh)
            }
        let others = format == .objects ? [:] : modules.elsewhere(than: module)
        // A session without the proxy can't call other sessions.
        let hasWay = connection.egress != .off
        if !hasWay, !others.isEmpty, !RunModule.isNative(module) { throw modules.several }
        elsewhere = hasWay ? others : [:]
        command.needs.elsewhere = elsewhere.keys.sorted()
        serviceBeside = Self.serviceBeside(module, in: reading.parsed)
        var input = asked
        input.module = module
        context.record.note("module", .string(module))
        key = Self.key(of: module, of: connection, in: context)
        (self.input, self.command, self.context, self.services) = (input, command, context, services)
    }

    /// Returns the key of a module's session for the caller.
    func key(of module: String) -> SessionKey { Self.key(of: module, of: connection, in: context) }

    private static func key(
        of module: String, of connection: Connection, in context: OperationContext
    ) -> SessionKey {
        SessionKey(connection: connection.name, module: module, signedIn: context.call.caller.signedIn?.id)
    }

    /// Whether scripts of this module may run in the native engine.
    var isForNativeModule: Bool { RunModule.isNative(module) }

    /// Returns the answer if no session is needed: for a native dry run, a common shell command, or help on a cmdlet;
    /// `nil` otherwise.
    func answerAtOnce() async throws(MMError) -> OperationAnswer? {
        if let shown = try await nativeDryRun() { return shown }
        guard input.engine != .pwsh else { return nil }
        if !input.explains, let word = SessionWord(parsed, in: module) {
            var answer = OperationAnswer(.value(.array([])), notes: [word.note], text: "")
            answer.connection = connection.name
            return answer
        }
        guard let help = CmdletHelp(parsed, in: module) else { return nil }
        var answer = help.answer
        answer.connection = connection.name
        if context.call.caller.surface == .mcp, input.output == "text", let text = answer.text {
            answer.body = .text(text)
        }
        return answer
    }

    /// Returns the answer of a native dry run; `nil` if this isn't a dry run or it needs PowerShell.
    private func nativeDryRun() async throws(MMError) -> OperationAnswer? {
        guard input.isDryRun else { return nil }
        context.record.note("dryRun", true)
        let shown: OperationAnswer? =
            if isForNativeModule {
                try await DryRun.native(
                    self, try await PreparedScript.rehearsed(self), wanted: input.engine ?? connection.engine,
                    after: await nativeSession())
            } else { nil }
        if shown == nil, connection.egress == .off { throw DryRun.withoutWire(connection) }
        return shown
    }

    /// Returns the state that earlier native scripts left in an existing session.
    func nativeSession() async -> NativeSession {
        guard input.file == nil, case .exchange(let session)? = await services.sessions.current(key)?.runner else {
            return NativeSession()
        }
        return await session.nativeSession
    }

    /// Returns the script with the functions of earlier scripts in its session that it calls.
    func withKeptFunctions() async throws(MMError) -> RunScript {
        let kept = KeptFunctions(await nativeSession().functions)
        guard let whole = kept.completed(parsed, command.script) else { return self }
        return try RunScript(whole, input, on: connection.name, altered: alterations, in: context, with: services)
    }

    /// The same script as a dry run, in which only reads are sent.
    var rehearsed: RunScript { RunScript(rehearsing: self) }

    private init(rehearsing script: RunScript) {
        var input = script.input
        input.isDryRun = true
        self.input = input
        (connection, module, key, command) = (script.connection, script.module, script.key, script.command)
        (reading, serviceBeside, alterations) = (script.reading, script.serviceBeside, script.alterations)
        elsewhere = script.elsewhere
        (context, services) = (script.context, script.services)
    }

    /// The sources that know the native cmdlets of the module's session by name, without sending anything.
    var knownCmdlets: [any CmdletSource] {
        let services = [ExchangeTable.Service(module: module), serviceBeside].compactMap(\.self)
        return [GraphCmdletList()] + services.map { CmdletCheck(service: $0) }
    }

    /// Returns the watch on cmdlets of a service.
    func watch(of service: ExchangeTable.Service) throws(MMError) -> CmdletWatch {
        let requests = services.requests
        let client = try GuardedExchange(
            identity: requests.identity, connection: connection, service: service.endpoint)
        return CmdletWatch(client: client, connection: connection, requests: requests, context: context)
    }

    /// Returns the script as work whose requests and cmdlets are judged again when they are sent.
    /// - Parameters:
    ///   - text: the script as it is judged.
    ///   - showsCmdlets: whether the text shows every cmdlet.
    func act(_ text: String, showsCmdlets: Bool) -> JudgedAgain {
        JudgedAgain(
            guarding: guarding, policy: guarding.policy(of: connection, in: context), name: "the script's text",
            script: text, showsCmdlets: showsCmdlets)
    }

    /// Returns the watch on requests to Graph.
    func writeWatch() throws(MMError) -> WriteWatch {
        let requests = services.requests
        let client = try GuardedClient(identity: requests.identity, connection: connection)
        return WriteWatch(client: client, connection: connection, requests: requests, context: context)
    }

    /// Returns the Graph permissions that the connection's sign-in has, or will request if there is none yet, for a
    /// script that signs in; `nil` for other scripts.
    func graphPermissions() async -> [String]? {
        guard OwnSignIn.isMentioned(in: parsed) else { return nil }
        if let rights = await services.requests.identity.rights(of: connection, on: .graph) {
            return rights.permissions.sorted()
        }
        let asked = ConnectionUse.graphScopes(of: connection)
        return asked.isEmpty ? nil : asked
    }

    /// Returns the other service whose cmdlets a script uses besides those of its session.
    private static func serviceBeside(_ module: String, in script: ParsedScript) -> ExchangeTable.Service? {
        guard let own = ExchangeTable.Service(module: module) else { return nil }
        let other: ExchangeTable.Service = own == .exo ? .scc : .exo
        let table = ExchangeTable.standard
        let isUsed = ScriptFacts(of: script).items.contains { item in
            guard case .command(let command) = item.detail, let name = command.name else { return false }
            return !table.knows(name, in: own) && table.knows(name, in: other)
        }
        return isUsed ? other : nil
    }
}

/// A script that is ready for an engine, with the values for its parameters and its files.
final class PreparedScript: Sendable {
    let script: RunScript
    /// The command for PowerShell, with its parameters.
    let command: PowerShellCommand
    let plan: EnginePlan
    let arguments: ScriptArguments
    let files: ScriptFiles
    /// The files that the script is given; `nil` if it has nothing to do with files.
    let given: [ProgramFolder.File]?
    /// Notes on files that were attached and scripts that were inserted automatically.
    let notes: [String]
    private let judging: ScriptJudging

    /// Chooses the engine, binds the parameters, and reads the attached files.
    /// - Throws: an error that names the field, if the engine doesn't support something or a parameter doesn't accept
    ///   its value.
    init(_ script: RunScript) async throws(MMError) {
        let (input, module, connection) = (script.input, script.module, script.connection)
        let signIn = SignInSource(
            of: script.parsed, on: connection, module: module, granted: await script.graphPermissions(),
            in: script.context, with: script.guarding)
        // Native dry runs have been answered before, so a dry run here runs in PowerShell.
        let wanted = input.isDryRun ? .pwsh : input.engine ?? connection.engine
        var (plan, arguments) = try Self.plan(script, signIn, wanted: wanted)
        var command = script.command
        command.parameters = arguments.parameters
        var notes = script.alterations
        let files = ScriptFiles(
            context: script.context, services: script.services.shells, connection: connection.name)
        let (attached, beside) = try await files.given(to: script)
        let all = attached + beside
        given = all.isEmpty && !script.reading.mayWriteFiles ? nil : all
        notes += beside.map { "\($0.name), beside the script, was passed to it." }
        if plan.wanted != .pwsh, script.isForNativeModule { plan.host = Self.host(script, arguments, all) }
        try command.check()
        script.reading.digest.note(in: script.context.record)
        if plan.wanted != .pwsh, let service = ExchangeTable.Service(module: module) {
            try await DryRun.checkNames(plan, service, knowing: script.services.checkedScripts)
        }
        let groups = MemberCmdlets.groups(in: plan.parsed)
        let seen =
            groups.isEmpty
            ? []
            : await SecurityGroups(identity: script.services.requests.identity, connection: connection)
                .findings(on: groups, until: script.context.deadline)
        judging = try ScriptJudging(
            script: command.script, parsed: plan.parsed, module: module, engine: plan.wanted,
            of: connection,
            isConfirmed: input.confirmed, fit: await Self.nativeFit(plan, script), seen: seen,
            in: script.context, with: script.guarding)
        (self.script, self.command, self.plan, self.arguments, self.files) = (script, command, plan, arguments, files)
        self.notes = notes
    }

    /// Returns a script's access to the machine.
    private static func host(
        _ script: RunScript, _ arguments: ScriptArguments, _ given: [ProgramFolder.File]
    ) -> NativeHost {
        let (input, call) = (script.input, script.context.call)
        let progress = call.progress
        return NativeHost(
            scriptName: input.file?.split(separator: "/").last.map(String.init) ?? "script.ps1",
            attached: given,
            answers: arguments.answers,
            progress: { progress(ProgressReport(done: 1, message: $0)) },
            ask: asking(call.person))
    }

    /// Returns the plan of a script for its rehearsal in the native engine.
    fileprivate static func rehearsed(_ script: RunScript) async throws(MMError) -> EnginePlan {
        let signIn = SignInSource(
            of: script.parsed, on: script.connection, module: script.module, in: script.context, with: script.guarding)
        var (plan, arguments) = try plan(script, signIn, wanted: .native)
        let isAlone = (script.input.engine ?? script.connection.engine) == .native
        if !isAlone, SessionPowerShell.exists(for: script.connection, script.guarding.environment) {
            plan = plan.whole
        }
        let files = ScriptFiles(
            context: script.context, services: script.services.shells, connection: script.connection.name)
        let given = try await files.given(to: script)
        plan.host = host(script, arguments, given.attached + given.beside).forRehearsal
        return plan
    }

    /// Returns a function that asks the call's person a script's questions; `nil` if there is no person.
    private static func asking(_ person: (any ConfirmingPerson)?) -> (@Sendable (String) async -> String?)? {
        person.map { person in
            { @Sendable question async in
                guard person.canBeAsked else { return nil }
                return (try? await person.answer(to: "The script asks: \(question) ")) ?? nil
            }
        }
    }

    private static func plan(
        _ script: RunScript, _ signIn: SignInSource?, wanted: ConnectionEngine
    ) throws(MMError) -> (EnginePlan, ScriptArguments) {
        let (input, module) = (script.input, script.module)
        if input.engine == .native, !script.isForNativeModule {
            throw MMError(
                .unsupported, "The module \(module) has no native engine.",
                hint: "Leave out engine: it runs in PowerShell.", details: ["field": "engine"])
        }
        if wanted == .pwsh, !RunModule.hasPowerShell(module) {
            throw MMError(
                .unsupported, "The module \(module) has no PowerShell here; it runs natively.",
                hint: "Leave out engine, or remove it from the connection.", details: ["field": "engine"])
        }
        var plan = EnginePlan(script.command.script, wanted: wanted, reading: script.reading, signIn: signIn)
        plan.isLocal = script.command.isLocal
        let environment = script.guarding.environment
        if wanted == .native || !SessionPowerShell.exists(for: script.connection, environment) {
            plan.isAlone(programs: environment["PATH"])
        }
        let arguments = try ScriptArguments(input.arguments, for: plan.parsed)
        plan.take(arguments)
        return (plan, arguments)
    }

    /// Returns whether the native engine can run a script as it is written, by the tables of known cmdlets; `nil` if
    /// the script can't run natively at all.
    private static func nativeFit(_ plan: EnginePlan, _ script: RunScript) async -> NativeFit? {
        guard plan.wanted != .pwsh, script.isForNativeModule else { return nil }
        // Values in PowerShell may have types that the native engine doesn't know.
        if script.input.file == nil,
            case .exchange(let session)? = await script.services.sessions.current(script.key)?.runner,
            await session.nativeSession(for: plan.variables) == nil
        {
            return nil
        }
        return NativeFit { plan.misfit(script.knownCmdlets) == nil }
    }

    /// Returns what the script reads, changes and needs, and which permissions the connection's sign-in lacks, without
    /// running it.
    func explanation() async -> OperationAnswer {
        var explained = ScriptExplanation(
            plan.parsed, given: arguments.object, in: script.module, misfit: "the module \(script.module)",
            verdict: judging.judge(with: .fresh).verdict)
        explained.others = Set(script.elsewhere.values).sorted()
        if script.isForNativeModule {
            explained.misfit = plan.whole.misfit(script.knownCmdlets)
            explained.isBegun = plan.misfit(script.knownCmdlets) == nil
        }
        let granted = await script.services.requests.identity.rights(of: script.connection, on: .graph)?.permissions
        let lacking = granted.map { granted in
            explained.permissions.filter { name in !granted.contains { ConnectSteps.covers($0, name) } }
        }
        return explained.answer(connection: script.connection.name, lacking: lacking)
    }

    /// Judges the script in a session with a given memory.
    func verdict(over memory: ScriptMemory?) -> ScriptVerdict {
        let (judging, isDryRun, isLocal) = (judging, script.input.isDryRun, script.command.isLocal)
        let keepsTypes = plan.parsed.root?.definedTypes.isEmpty == false
        return ScriptVerdict(over: memory) { before in
            guard isLocal else { return judging.judge(with: before, isDryRun: isDryRun) }
            // A file's variables end with it, and it doesn't see the variables of earlier lines.
            var judgement = judging.judge(with: before.withoutVariables, isDryRun: isDryRun)
            judgement.memory = before.afterFile(judgement.memory, keepingNames: keepsTypes)
            return judgement
        }
    }

    /// Returns the verdict that applies when the script runs. A dry run shows what a confirmed run would do.
    func meant(by verdict: ScriptVerdict) -> Verdict {
        script.input.isDryRun ? judging.judge(with: verdict.before).verdict : verdict.verdict
    }
}

/// The answer to `Get-Help NAME` and `Get-Command PATTERN` for the cmdlets of Exchange and compliance, from the tables.
/// The modules can't answer this without a session, and callers ask before they write a call.
struct CmdletHelp {
    private let names: [String]
    private let isList: Bool
    private let service: ExchangeTable.Service

    /// The maximum number of names in a list.
    private static let most = 60

    /// Recognizes such a script; `nil` for any other script, and for unknown names.
    init?(_ script: ParsedScript, in module: String) {
        guard let service = ExchangeTable.Service(module: module), script.errors.isEmpty,
            let (verb, wanted) = Self.question(of: script)
        else { return nil }
        let known = ExchangeTable.standard.names(of: service)
        self.service = service
        isList = verb == "get-command"
        names = CmdletList.matching(wanted, known.sorted())
        guard isList || names.count == 1, !names.isEmpty else { return nil }
    }

    /// Returns the command and the argument of a script that is nothing but one such command: any other one uses the
    /// command's answer, or does something beside it.
    private static func question(of script: ParsedScript) -> (verb: String, name: String)? {
        guard let root = script.root, root.usings.isEmpty, root.parameterBlock == nil, let body = root.body,
            body.traps.isEmpty, body.statements.count == 1, case .pipeline(let pipeline)? = body.statements.first,
            pipeline.elements.count == 1, !pipeline.isBackground, case .command? = pipeline.elements.first
        else { return nil }
        let commands = ScriptFacts(of: script).items.compactMap { item in
            if case .command(let command) = item.detail { command } else { nil }
        }
        guard commands.count == 1, let command = commands.first, command.redirections.isEmpty,
            let name = command.name?.lowercased(), ["get-help", "help", "get-command"].contains(name)
        else { return nil }
        var wanted: String?
        for argument in command.arguments {
            switch argument {
            case .parameter(let parameter, nil) where ["name", "full", "detailed"].contains(parameter.lowercased()):
                continue
            case .parameter(let parameter, .string(let text)?) where parameter.lowercased() == "name":
                guard wanted == nil else { return nil }
                wanted = text
            case .value(.string(let text)) where wanted == nil: wanted = text
            default: return nil
            }
        }
        return wanted.map { (name == "help" ? "get-help" : name, $0) }
    }

    /// The answer.
    var answer: OperationAnswer {
        let table = ExchangeTable.standard
        let classes = CmdletClasses()
        let rows = names.prefix(Self.most).map { CmdletReference.row(of: $0, service, classes) }
        guard !isList, let row = rows.first, let name = names.first, table.description(of: name, in: service) != nil
        else {
            let lines = rows.map { "\($0["name"]?.string ?? "") (\($0["class"]?.string ?? ""))" }
            let more = names.count > Self.most ? ["… and \(names.count - Self.most) more"] : []
            return OperationAnswer(
                .value(["cmdlets": .array(rows.map { .object($0) })]), columns: ["name", "class"],
                text: (lines + more).joined(separator: "\n"))
        }
        return OperationAnswer(
            .value(.object(CmdletReference.detailed(row, table))), text: CmdletReference.text(of: row, table))
    }
}

/// The files of a script: those that its caller attaches, and those that it writes.
struct ScriptFiles: Sendable {
    let context: OperationContext
    let services: ShellServices
    let connection: String

    /// The maximum size of an attached file, in bytes.
    private static let mostBytes = 64 << 20

    /// Reads the files of this machine that the caller attaches.
    func attached(_ names: [String]) async throws(MMError) -> [(name: String, bytes: [UInt8])] {
        var files: [(name: String, bytes: [UInt8])] = []
        for name in names {
            // `NAME=PATH` attaches a file under another name.
            let parts = name.split(separator: "=", maxSplits: 1).map(String.init)
            let path = parts.last ?? name
            let folder = try CallerFiles(context, services).local()
            let piece = try await CallerFiles.named(path, in: folder) { (files) async throws(MMError) in
                try await files.read(path, limit: Self.mostBytes)
            }
            guard piece.size <= Self.mostBytes else {
                throw MMError(.limitExceeded, "\(path) is too large to attach.", details: ["field": "attach"])
            }
            let own = path.split(separator: "/").last.map(String.init) ?? path
            files.append((parts.count == 2 ? parts[0] : own, piece.bytes))
        }
        return files
    }

    /// Returns the files that a script is given: those that its caller attaches, and those beside it that it names.
    func given(
        to script: RunScript
    ) async throws(MMError) -> (attached: [ProgramFolder.File], beside: [ProgramFolder.File]) {
        let attached = try await attached(script.input.attached)
        return (attached, await beside(script.input.file, named: script.command.script, given: attached))
    }

    /// The extensions of data files.
    private static let dataEndings = [".csv", ".txt", ".json", ".xml", ".jpg", ".jpeg", ".png"]
    /// The maximum number of file names that are searched for beside a script.
    private static let mostNames = 20

    /// Returns the data files that are named in a script's text and lie in the script's folder.
    func beside(
        _ path: String?, named text: String, given: [(name: String, bytes: [UInt8])]
    ) async -> [(name: String, bytes: [UInt8])] {
        guard path != nil, context.call.caller.surface == .terminal else { return [] }
        var files: [(name: String, bytes: [UInt8])] = []
        for name in Self.dataFiles(in: text) where !given.contains(where: { $0.name.lowercased() == name.lowercased() })
        {
            if let bytes = await lying(beside: path, name) { files.append((name, bytes)) }
        }
        return files
    }

    /// Returns a file in the folder of the caller's script; `nil` if there is none, or if the script isn't a file at a
    /// terminal.
    func lying(beside path: String?, _ name: String) async -> [UInt8]? {
        guard let path, context.call.caller.surface == .terminal else { return nil }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        guard
            let piece = try? await CallerFiles(context, services).local().read(folder + name, limit: Self.mostBytes),
            piece.size <= Self.mostBytes
        else { return nil }
        return piece.bytes
    }

    /// Returns the names of the files in a folder, given from that of the caller's script, without the script; none if
    /// the script isn't a file at a terminal.
    func names(in folder: String, beside path: String?) async -> [String] {
        guard let path, context.call.caller.surface == .terminal else { return [] }
        let end = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        let place = path[..<end] + folder
        let names = try? await CallerFiles(context, services).local().names(in: place.isEmpty ? "." : String(place))
        return (names ?? []).filter { !folder.isEmpty || $0 != path[end...] }
    }

    /// Returns the names of data files in a text, each once.
    static func dataFiles(in text: String) -> [String] {
        var names: [String] = []
        let words = text.utf8.split { unit in
            let isName =
                (0x30...0x39).contains(unit) || (0x41...0x5A).contains(unit & 0xDF) || unit >= 0x80
                || unit == UInt8(ascii: "_") || unit == UInt8(ascii: "-") || unit == UInt8(ascii: ".")
            return !isName
        }
        for word in words {
            let name = String(decoding: word, as: UTF8.self)
            guard dataEndings.contains(where: { name.lowercased().hasSuffix($0) && name.utf8.count > $0.utf8.count }),
                !name.hasPrefix("."), !names.contains(name)
            else { continue }
            names.append(name)
            if names.count == mostNames { break }
        }
        for name in namesWithBlanks(in: text) where names.count < mostNames && !names.contains(name) {
            names.append(name)
        }
        return names
    }

    /// Returns the quoted names of data files that contain blanks.
    private static func namesWithBlanks(in text: String) -> [String] {
        var names: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            for quoted in line.split(whereSeparator: { $0 == "\"" || $0 == "'" }) {
                let name = quoted.split { $0 == "/" || $0 == "\\" }.last ?? quoted
                guard name.contains(" "), name.first != " ", name.utf8.count <= 200, !name.contains("$"),
                    dataEndings.contains(where: name.lowercased().hasSuffix)
                else { continue }
                names.append(String(name))
            }
        }
        return names
    }

    /// Delivers the files that a script wrote: into the caller's folder, otherwise into the output store.
    /// - Returns: a line for each file.
    func handOver(
        _ files: [ProgramFolder.File], to folder: String?, isForeign: Bool
    ) async throws(MMError) -> [String] {
        var lines: [String] = []
        var taken: Set<String> = []
        for file in files {
            // A script names its files as it likes, but not the lines of an answer.
            let own = VisibleText.exact(file.name.split(separator: "/").last.map(String.init) ?? file.name)
            var name = own
            var number = 2
            while !taken.insert(name.lowercased()).inserted {
                name = "\(number)-\(own)"
                number += 1
            }
            guard let folder else {
                let outputs = services.work.outputs.of(context.call.caller)
                var writer = try outputs.begin(connection: connection)
                writer.isForeign = isForeign
                try writer.append(text: file.bytes)
                let stored = try writer.finishText()
                lines.append("file: \(name), \(file.bytes.count) bytes: \(stored.handle)")
                continue
            }
            var how = FileWriting()
            how.createsFolders = true
            let receipt = try await CallerFiles(context, services).local().write(
                folder + "/" + name, file.bytes, how: how)
            lines.append("file: \(receipt.path), \(file.bytes.count) bytes")
        }
        if folder == nil, !lines.isEmpty {
            lines.append(
                context.isTerminal
                    ? "--save DIR writes the files to a folder."
                    : "`mm output HANDLE --download FILE` writes one to a file.")
        }
        return lines
    }
}
