import MMCore
import MMGuard
import MMIdentity
import MMNative
import MMPowerShell
import MMSessions
import MMShell
import PowerShellSyntax

/// A script that `run` was called with: its text, and where it shall run.
///
/// It and what becomes of it on its way (`PreparedScript`, `JudgedScript`, `ClearedScript`) are classes: each is made once and never
/// changed, and is handed through a dozen closures and waits, each of which would copy all that a struct holds.
final class RunScript: Sendable {
    /// What the caller gave, with the module that was found.
    let input: RunInput
    let connection: Connection
    let module: String
    /// The session that it runs in.
    let key: SessionKey
    /// The text as PowerShell gets it.
    let command: PowerShellCommand
    /// What the text says by itself.
    let reading: ScriptReading
    /// The service whose cmdlets the script has besides those of its session: compliance beside Exchange, or the other way round.
    let serviceBeside: ExchangeTable.Service?
    /// The cmdlets that it calls in other sessions where PowerShell runs it, in lower case, with the module of each.
    let elsewhere: [String: String]
    /// The scripts that it runs in its own scope, which stand in its text.
    let joined: [String]
    let context: OperationContext
    let services: RunServices

    var guarding: GuardServices { services.requests.guarding }
    var parsed: ParsedScript { reading.parsed }

    /// Reads the script and finds its connection and module.
    /// - Parameter format: the form in which PowerShell gives its objects; `nil` for what the caller asks for.
    /// - Throws: an error that names the field; `notFound` for an unknown connection.
    init(
        _ text: String, _ asked: RunInput, on name: String, joining joined: [String] = [],
        format: PowerShellCommand.Format? = nil, in context: OperationContext, with services: RunServices
    ) throws(MMError) {
        self.joined = joined
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
        // A session without the wire has no way to others.
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

    /// The session of a module for whoever calls.
    func key(of module: String) -> SessionKey { Self.key(of: module, of: connection, in: context) }

    private static func key(
        of module: String, of connection: Connection, in context: OperationContext
    ) -> SessionKey {
        SessionKey(connection: connection.name, module: module, signedIn: context.call.caller.signedIn?.id)
    }

    /// Whether it may run without a PowerShell, wherever it fits.
    var isForNativeModule: Bool { RunModule.isNative(module) }

    /// The answer that needs no session of its own: a native dry run, a word that people type in every shell, help on a
    /// cmdlet; `nil` for everything else.
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

    /// What a dry run shows without PowerShell; `nil` where there is none, or PowerShell has to make it.
    private func nativeDryRun() async throws(MMError) -> OperationAnswer? {
        guard input.isDryRun else { return nil }
        context.record.note("dryRun", true)
        let shown = try await DryRun.native(
            command.script, in: module, of: connection, wanted: input.engine ?? connection.engine,
            after: await nativeSession(), context, with: services.requests)
        if shown == nil, connection.egress == .off { throw DryRun.withoutWire(connection) }
        return shown
    }

    /// What earlier scripts of the native engine left in a session that is there.
    func nativeSession() async -> NativeSession {
        guard input.file == nil, case .exchange(let session)? = await services.sessions.current(key)?.runner else {
            return NativeSession()
        }
        return await session.nativeSession
    }

    /// The script as it is run where only its reads are sent.
    var rehearsed: RunScript { RunScript(rehearsing: self) }

    private init(rehearsing script: RunScript) {
        var input = script.input
        input.isDryRun = true
        self.input = input
        (connection, module, key, command) = (script.connection, script.module, script.key, script.command)
        (reading, serviceBeside, joined) = (script.reading, script.serviceBeside, script.joined)
        elsewhere = script.elsewhere
        (context, services) = (script.context, script.services)
    }

    /// The cmdlets that run natively in the module's session, as far as tables know them; none of them is sent.
    var knownCmdlets: [any CmdletSource] {
        let services = [ExchangeTable.Service(module: module), serviceBeside].compactMap(\.self)
        return [GraphCmdletList()] + services.map { RequestRecorder(service: $0) }
    }

    /// The permissions of Graph that the connection's sign-in has, or will ask for where it has none yet, for a script that speaks of
    /// its sign-in.
    func graphPermissions() async -> [String]? {
        guard OwnSignIn.isMentioned(in: parsed) else { return nil }
        if let rights = await services.requests.identity.rights(of: connection, on: .graph) {
            return rights.permissions.sorted()
        }
        let asked = ConnectionUse.graphScopes(of: connection)
        return asked.isEmpty ? nil : asked
    }

    /// The service whose cmdlets a script has besides those of its session.
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

/// A script on its way to an engine, with the values for its parameters and the files of its run.
final class PreparedScript: Sendable {
    let script: RunScript
    /// The text and its parameters as PowerShell gets them.
    let command: PowerShellCommand
    let plan: EnginePlan
    let arguments: ScriptArguments
    let files: ScriptFiles
    /// What was handed in without being asked for.
    let notes: [String]
    private let judging: ScriptJudging

    /// Finds the engine, binds the parameters, and takes what is handed in.
    /// - Throws: an error that names the field, for what the engine doesn't offer or a parameter doesn't take.
    init(_ script: RunScript) async throws(MMError) {
        let (input, module, connection) = (script.input, script.module, script.connection)
        let signIn = SignInSource(
            of: script.parsed, on: connection, module: module, granted: await script.graphPermissions(),
            in: script.context, with: script.guarding)
        var (plan, arguments) = try Self.plan(script, signIn)
        var command = script.command
        command.parameters = arguments.parameters
        var notes = script.joined.map { "\($0) stands in the script where that runs it." }
        let files = ScriptFiles(
            context: script.context, services: script.services.shells, connection: connection.name)
        if plan.wanted != .pwsh, script.isForNativeModule {
            let progress = script.context.call.progress
            let given = try await files.attached(input.attached)
            let beside = await files.beside(input.file, named: command.script, given: given)
            notes += beside.map { "\($0.name) lies beside the script and was handed in." }
            plan.host = NativeHost(
                scriptName: input.file?.split(separator: "/").last.map(String.init) ?? "script.ps1",
                attached: given + beside,
                answers: arguments.answers,
                progress: { progress(ProgressReport(done: 1, message: $0)) },
                ask: Self.asking(script.context.call.person))
        } else if !input.attached.isEmpty || input.save != nil {
            throw MMError(
                .unsupported, "Files are handed in and out where a script runs natively alone.",
                hint: "Leave attach and save out, or --engine pwsh.", details: ["field": "attach"])
        }
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

    /// Puts a script's questions to the person behind the call; `nil` where there is none. Secrets are asked of nobody.
    private static func asking(_ person: (any ConfirmingPerson)?) -> (@Sendable (String, Bool) async -> String?)? {
        person.map { person in
            { @Sendable (question, isSecret) async in
                guard !isSecret, person.canBeAsked else { return nil }
                return (try? await person.answer(to: "The script asks: \(question) ")) ?? nil
            }
        }
    }

    private static func plan(
        _ script: RunScript, _ signIn: SignInSource?
    ) throws(MMError) -> (EnginePlan, ScriptArguments) {
        let (input, module) = (script.input, script.module)
        // A dry run that comes here runs in PowerShell.
        let wanted = input.isDryRun ? .pwsh : input.engine ?? script.connection.engine
        if input.engine == .native, !script.isForNativeModule {
            throw MMError(
                .unsupported, "The module \(module) has no native engine.",
                hint: "Leave engine out: it runs in PowerShell.", details: ["field": "engine"])
        }
        if wanted == .pwsh, !RunModule.hasPowerShell(module) {
            throw MMError(
                .unsupported, "The module \(module) has no PowerShell here; it runs natively.",
                hint: "Leave engine out, or take it out of the connection.", details: ["field": "engine"])
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

    /// Whether the native engine takes a script as it is written, with cmdlets that the tables know alone; `nil` where it can't be.
    private static func nativeFit(_ plan: EnginePlan, _ script: RunScript) async -> NativeFit? {
        guard plan.wanted != .pwsh, script.isForNativeModule else { return nil }
        var before = NativeSession()
        if script.input.file == nil,
            case .exchange(let session)? = await script.services.sessions.current(script.key)?.runner
        {
            // What PowerShell holds may have a type there that the native engine doesn't know.
            guard let native = await session.nativeSession(for: plan.variables) else { return nil }
            before = native
        }
        return NativeFit { [before] in plan.misfit(script.knownCmdlets, in: before) == nil }
    }

    /// What it reads, changes and needs, and what of that the connection's sign-in lacks, without running it.
    func explanation() async -> OperationAnswer {
        var explained = ScriptExplanation(
            plan.parsed, in: script.module, misfit: "the module \(script.module)",
            verdict: judging.judge(with: .fresh).verdict)
        explained.others = Set(script.elsewhere.values).sorted()
        if script.isForNativeModule {
            explained.misfit = plan.whole.misfit(script.knownCmdlets, in: NativeSession())
            explained.isBegun = plan.misfit(script.knownCmdlets, in: NativeSession()) == nil
        }
        let granted = await script.services.requests.identity.rights(of: script.connection, on: .graph)?.permissions
        let lacking = granted.map { granted in
            explained.permissions.filter { name in !granted.contains { ConnectSteps.covers($0, name) } }
        }
        return explained.answer(connection: script.connection.name, lacking: lacking)
    }

    /// Judges it in a session that remembers this.
    func verdict(over memory: ScriptMemory?) -> ScriptVerdict {
        let (judging, isDryRun, isLocal) = (judging, script.input.isDryRun, script.command.isLocal)
        let keepsTypes = plan.parsed.root?.definedTypes.isEmpty == false
        return ScriptVerdict(over: memory) { before in
            guard isLocal else { return judging.judge(with: before, isDryRun: isDryRun) }
            // What it sets ends with it, and what earlier lines have set is none of its variables.
            var judgement = judging.judge(with: before.withoutVariables, isDryRun: isDryRun)
            judgement.memory = before.afterFile(judgement.memory, keepingNames: keepsTypes)
            return judgement
        }
    }

    /// What a dry run shows is what a run would do that a person has confirmed.
    func meant(by verdict: ScriptVerdict) -> Verdict {
        script.input.isDryRun ? judging.judge(with: verdict.before).verdict : verdict.verdict
    }
}

/// `Get-Help NAME` and `Get-Command PATTERN` about the cmdlets of Exchange and compliance: answered from the tables, since no
/// module says as much without a session, and a caller that asks wants to know before it writes a call.
struct CmdletHelp {
    private let names: [String]
    private let isList: Bool
    private let service: ExchangeTable.Service

    /// The most names that a list has.
    private static let most = 60

    /// What a script asks for; `nil` for any other script, and where the tables know nothing of it.
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

    /// The one command of a script that is nothing else, with its one argument.
    private static func question(of script: ParsedScript) -> (verb: String, name: String)? {
        let commands = ScriptFacts(of: script).items.compactMap { item in
            if case .command(let command) = item.detail { command } else { nil }
        }
        guard commands.count == 1, let command = commands.first, command.count == 1, command.redirections.isEmpty,
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

/// The files of a script that runs natively: what its caller hands in, and what it leaves.
struct ScriptFiles: Sendable {
    let context: OperationContext
    let services: ShellServices
    let connection: String

    /// How much of a file is handed in.
    private static let mostBytes = 64 << 20

    /// Reads the files of this machine that the caller hands in.
    func attached(_ names: [String]) async throws(MMError) -> [(name: String, bytes: [UInt8])] {
        var files: [(name: String, bytes: [UInt8])] = []
        for name in names {
            // `NAME=PATH` hands a file in under another name.
            let parts = name.split(separator: "=", maxSplits: 1).map(String.init)
            let path = parts.last ?? name
            let piece = try await CallerFiles.named(path) { () async throws(MMError) in
                try await CallerFiles(context, services).local().read(path, limit: Self.mostBytes)
            }
            guard piece.size <= Self.mostBytes else {
                throw MMError(.limitExceeded, "\(path) is too large to be handed in.", details: ["field": "attach"])
            }
            let own = path.split(separator: "/").last.map(String.init) ?? path
            files.append((parts.count == 2 ? parts[0] : own, piece.bytes))
        }
        return files
    }

    /// The endings of files that hold data.
    private static let dataEndings = [".csv", ".txt", ".json", ".xml"]
    /// How many names of files are looked for beside a script.
    private static let mostNames = 20

    /// The data files that lie beside a script of the caller's and that its text names: it finds them where it lies.
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

    /// A file beside a script of the caller's; `nil` where there is none, or nobody's script lies anywhere.
    func lying(beside path: String?, _ name: String) async -> [UInt8]? {
        guard let path, context.call.caller.surface == .terminal else { return nil }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        guard
            let piece = try? await CallerFiles(context, services).local().read(folder + name, limit: Self.mostBytes),
            piece.size <= Self.mostBytes
        else { return nil }
        return piece.bytes
    }

    /// The names of data files in a text, each once.
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

    /// The names of data files that have blanks, which stand in quotes.
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

    /// Hands over what a script wrote: in a folder of the caller's, else behind handles.
    /// - Returns: a line for each file.
    func handOver(_ files: [NativeHost.File], to folder: String?) async throws(MMError) -> [String] {
        var lines: [String] = []
        var taken: Set<String> = []
        for file in files {
            var name = file.name
            var number = 2
            while !taken.insert(name.lowercased()).inserted {
                name = "\(number)-\(file.name)"
                number += 1
            }
            guard let folder else {
                let outputs = services.work.outputs.of(context.call.caller)
                var writer = try outputs.begin(connection: connection)
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
        if folder == nil, !lines.isEmpty { lines.append("--save DIR puts the files into a folder.") }
        return lines
    }
}
