import Glibc
import MMCLI
import MMCore
import MMGuard
import MMNative
import MMOperations
import MMSystem

/// The commands of `mm` that are not operations.
enum LocalCommands {
    /// Returns the commands.
    /// - Parameter signals: the signals of a process that is to be the pool.
    static func all(_ catalogue: Catalogue, environment: [String: String], signals: PoolSignals? = nil)
        -> [LocalCommand]
    {
        let others =
            SandboxForwarding.all(environment: environment) + PowerShellCommands.all
            + CmdletCommands.all
            + PINCommands.all(environment: environment) + KeyCommands.all(environment: environment)
            + GuardCommands.all(environment: environment)
            + DoctorCommands.all(environment: environment)
            + MCPCommands.all(environment: environment)
            + DriftCommands.all(environment: environment)
            + PoolCommands.all(environment: environment, signals: signals)
            + IsolatedCommands.all(environment: environment) + [version, swiftCalls(catalogue, environment)]
        let shown = others + [completions, ManualPages.command(catalogue, others + [completions])]
        return shown + [CompletionValues.command(catalogue, shown, environment: environment).hidden]
    }

    private static let version = LocalCommand(["version"], summary: "Show the version.") {
        (_, options, streams) throws(MMError) in
        if options.format == .json {
            try streams.writeLine(JSONWriter.string(["version": .string(ProductVersion.text)]))
        } else {
            try streams.writeLine("mm \(ProductVersion.text)")
        }
        return 0
    }

    private static func swiftCalls(_ catalogue: Catalogue, _ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["swift"], summary: "Write typed calls of operations, recipes and your own tools for a Swift program.",
            discussion:
                "Each is a struct whose arguments the compiler checks: try await mm(UnusedGuests(connection: \"Contoso\")).",
            fields: [
                InputField("names", .textList, "Operations, recipes or tools (default: all operations).", .at(0))
            ],
            examples: [
                .init(
                    "mm swift graph_request unused-guests > Sources/Report/Calls.swift",
                    "writes two calls for a program")
            ]
        ) { (input, _, streams) throws(MMError) in
            let names = try input.textList("names") ?? []
            let shelves = [ToolShelf.recipes, .own(StatePaths(environment: environment))]
            let effects = ToolEffects(try OperationServices(environment: environment).guards.engine())
            var calls = SwiftCalls()
            for operation in names.isEmpty ? catalogue.operations : [] { calls.add(operation) }
            for name in names {
                if let operation = catalogue.operation(named: name) {
                    calls.add(operation)
                } else if let (definition, shelf) = shelves.lazy.compactMap({ shelf in
                    shelf.contents().definition(named: name).map { ($0, shelf) }
                }).first {
                    calls.add(definition, on: shelf, effects: effects.effects(of: definition))
                } else {
                    throw MMError(
                        .notFound, "There is no operation, recipe or tool `\(name.prefix(80))`.",
                        hint:
                            "mm recipe lists the recipes, mm do your own tools; operations are called as in mm-mcp, without mm__.",
                        details: ["field": "names"])
                }
            }
            try streams.write(Array(calls.text.utf8))
            return 0
        }
    }

    private static let completions =
        LocalCommand(
            ["completions"], summary: "Print the completion script of a shell.",
            discussion: "bash: source <(mm completions bash)\nzsh: mm completions zsh > ~/.zfunc/_mm\n"
                + "fish: mm completions fish > ~/.config/fish/completions/mm.fish",
            fields: [
                InputField(
                    "shell", .choice(["bash", "zsh", "fish"]), "Which shell.", .required, .at(0))
            ]
        ) { (input, _, streams) throws(MMError) in
            try streams.write(Array(try CompletionScript.text(for: try input.requiredText("shell")).utf8))
            return 0
        }
}

/// `mm sandbox …`: executes `mm-sandbox` in place of this process, so that streams, exit code and signals are those of
/// the command line.
enum SandboxForwarding {
    static func all(environment: [String: String]) -> [LocalCommand] {
        SandboxCommand.allCases.map { verb in
            verb.command(
                .words { (words) throws(MMError) in
                    try ProcessReplacement.run(try OwnProgram.sandbox(environment), [verb.rawValue] + words)
                })
        }
    }
}

/// `mm man`: the manual pages, written into a folder or shown one by one.
enum ManualPages {
    static func command(_ catalogue: Catalogue, _ others: [LocalCommand]) -> LocalCommand {
        LocalCommand(
            ["man"], summary: "Print a manual page, or write all of them into a folder.",
            fields: [
                InputField(
                    "noun", .text, "First word of the command, such as graph (default: mm itself).",
                    .at(0)),
                InputField("to", .text, "Folder for all pages, such as ~/.local/share/man/man1.", .completes(.files)),
            ],
            examples: [
                .init("mm man graph | man -l -", "shows the page of mm graph"),
                .init("mm man --to /tmp/man1", "writes mm.1, mm-graph.1 and the others"),
            ]
        ) { (input, _, streams) throws(MMError) in
            let index = CommandIndex(catalogue: catalogue, locals: others + [Self.command(catalogue, others)])
            let pages = ManualPage.all(index, date: .now)
            if let folder = try input.text("to") {
                for page in pages {
                    try ProtectedFile.replace("\(folder)/\(page.name).1", with: Array(page.text.utf8), mode: 0o644)
                }
                return 0
            }
            let noun = try input.text("noun")
            let name = noun.map { "mm-\($0)" } ?? "mm"
            guard let page = pages.first(where: { $0.name == name }) else {
                throw index.unknown([noun ?? ""])
            }
            try streams.write(Array(page.text.utf8))
            return 0
        }
    }
}

/// `mm complete WORD…`: the candidates for the end of a command line, for the completion scripts of shells.
struct CompletionValues: Sendable {
    private let environment: [String: String]
    private let catalogue: Catalogue
    private let services: OperationServices

    static func command(_ catalogue: Catalogue, _ others: [LocalCommand], environment: [String: String])
        -> LocalCommand
    {
        LocalCommand(
            ["complete"], summary: "List completions of a command line, for completion scripts.",
            work: .words { (words) async throws(MMError) in
                let streams = CommandStreams(environment: environment)
                let services = OperationServices(environment: environment)
                let values = CompletionValues(environment: environment, catalogue: catalogue, services: services)
                let index = CommandIndex(catalogue: catalogue, locals: others)
                let found = await CompletionAnswer(index) { await values.known(at: $0) }.candidates(
                    Array(words.drop { $0 == "--" }))
                for candidate in found {
                    let summary = candidate.summary.isEmpty ? "" : "\t\(candidate.summary)"
                    try streams.writeLine(candidate.word + summary)
                }
                await services.close()
                return 0
            })
    }

    /// Returns the known values of a field. Values that can't be determined quickly are left out.
    func known(at place: CompletionAnswer.Place) async -> [CompletionAnswer.Candidate] {
        switch place.field.known {
        case .tags: return tags.map { CompletionAnswer.Candidate($0) }
        case .entryKeys: return keys(startingWith: place.typed)
        case .script: return script(place)
        case .cmdlets:
            return CmdletCompletion(module: place.given["module"] ?? "exo").names(startingWith: unquoted(place.typed))
                .map { CompletionAnswer.Candidate($0) }
        case .endpoints: return endpoints(startingWith: unquoted(place.typed), place)
        case .services: return RequestResource.allCases.map { CompletionAnswer.Candidate($0.rawValue) }
        case .jobs:
            let jobs = await asked { (service, call) throws(MMError) in try await service.jobs(in: call) }
            return jobs.map { CompletionAnswer.Candidate($0.handle, $0.operation) }
        case .shells: return await sessions(.shell).map { CompletionAnswer.Candidate($0.name) }
        case .hostSessions: return await sessions(.ssh).map { CompletionAnswer.Candidate($0.name) }
        case .hosts: return await hosts()
        case .operations:
            return catalogue.operations.map { CompletionAnswer.Candidate($0.declaration.name, $0.declaration.summary) }
        case .files: return []
        case nil: return named(place.field)
        }
    }

    /// Returns the values of an argument that has the same meaning wherever it has this name.
    private func named(_ field: InputField) -> [CompletionAnswer.Candidate] {
        switch field.name {
        case "connection":
            return connections + (field.otherFlags.isEmpty ? [] : tags.map { CompletionAnswer.Candidate("tag:" + $0) })
        case "module": return RunModule.names.map { CompletionAnswer.Candidate($0) }
        default: return []
        }
    }

    private func unquoted(_ text: String) -> String { String(text.drop { $0 == "'" || $0 == "\"" }) }

    private var connections: [CompletionAnswer.Candidate] {
        let known = (try? services.registry.snapshot().connections) ?? []
        return known.map { CompletionAnswer.Candidate($0.name, $0.description ?? $0.tenant ?? "") }
    }

    /// Returns the keys of a connection's entry, and for `auth` the sign-in methods and their settings.
    private func keys(startingWith typed: String) -> [CompletionAnswer.Candidate] {
        let words =
            typed.hasPrefix("auth=")
            ? ConnectionAuth.Method.allCases.map { "auth=" + $0.rawValue }
            : typed.hasPrefix("auth.")
                ? ConnectionAuth.fieldNames.map { "auth.\($0)=" } : Connection.knownKeys.map { $0 + "=" }
        return words.map { CompletionAnswer.Candidate($0) }
    }

    private var tags: [String] {
        guard let snapshot = try? services.registry.snapshot() else { return [] }
        return ConnectionSelection.tags(of: snapshot.names, in: snapshot)
    }

    /// Returns the completions of a PowerShell script that is one word of the line.
    private func script(_ place: CompletionAnswer.Place) -> [CompletionAnswer.Candidate] {
        guard let module = place.given["module"] else { return [] }
        let text = unquoted(place.typed)
        let (typed, words) = CmdletWords(module: module).completions(of: text)
        let before = text.dropLast(typed.count)
        return words.map { CompletionAnswer.Candidate(before + $0) }
    }

    /// Returns the completions of the next segment of a Microsoft Graph path.
    private func endpoints(startingWith typed: String, _ place: CompletionAnswer.Place) -> [CompletionAnswer.Candidate]
    {
        guard (place.given["resource"] ?? "graph") == "graph" else { return [] }
        return PathCompletion().candidates(for: typed).map { candidate in
            CompletionAnswer.Candidate(
                candidate.path, candidate.methods.isEmpty ? "…" : candidate.methods.joined(separator: ", "))
        }
    }

    private func hosts() async -> [CompletionAnswer.Candidate] {
        var names = await sessions(.ssh).compactMap(\.host).map { CompletionAnswer.Candidate($0) }
        let file = (environment["HOME"] ?? "") + "/.ssh/config"
        let bytes = try? ProtectedFile.read(file, limit: 1 << 20)
        let text = String(decoding: bytes ?? [], as: UTF8.self)
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split { $0 == " " || $0 == "\t" || $0 == "=" }
            guard words.first?.lowercased() == "host" else { continue }
            // Entries with wildcards aren't host names.
            for word in words.dropFirst() where !word.contains(where: { "*?!".contains($0) }) {
                names.append(CompletionAnswer.Candidate(String(word)))
            }
        }
        return names
    }

    private func sessions(_ place: ShellPlace) async -> [ShellSessionRow] {
        await asked { (service, call) throws(MMError) in try await service.shellSessions(place, in: call) }
    }

    /// Returns the rows of an operation, without starting a pool for them; none if it fails.
    private func asked<Row: Sendable>(
        _ ask: (any OperationService, CallContext) async throws(MMError) -> [Row]
    ) async -> [Row] {
        let context = CallContext(
            caller: Caller(surface: .terminal, name: "mm", server: nil), timeLimit: .seconds(2))
        guard let choice = try? PoolChoice.of(embedded: false, pool: nil, environment: environment),
            let service = try? FrontEndService(choice, services, environment)
        else { return [] }
        return (try? await ask(service, context)) ?? []
    }
}

/// `mm cmdlets …`: shows how command lines of Exchange cmdlets are bound.
enum CmdletCommands {
    static let all = [bind, bindBatch]

    private static let bind = LocalCommand(
        ["cmdlets", "bind"], summary: "Show the request that a cmdlet's command line becomes.",
        discussion:
            "Nothing is sent. With --batch, standard input is JSON lines {\"id\", \"line\", \"service\"}, and each is "
            + "answered immediately by one line: {\"id\", \"body\", …} or {\"id\", \"error\"}.",
        fields: [
            InputField("line", .text, "The command line.", .required, .at(0), .completes(.cmdlets)),
            InputField("service", .choice(["exo", "scc"]), "Exchange Online (default) or Security & Compliance."),
        ],
        examples: [.init("mm cmdlets bind 'Get-Mailbox -ResultSize 5'", "the body that would be sent")]
    ) { (input, _, streams) throws(MMError) in
        if let request = try GraphLine.request(of: try input.requiredText("line")) {
            try streams.writeLine(JSONWriter.string(.object(request), layout: .indented(2)))
            return 0
        }
        let line: JSONObject = [
            "line": .string(try input.requiredText("line")),
            "service": .string(try input.text("service") ?? "exo"),
        ]
        let text = try BindingBatch.answer(JSONWriter.string(.object(line)))
        let answer = try? JSONParser.parse(text)
        if let fault = answer?["error"]?.string {
            throw MMError(
                .invalidInput, answer?["message"]?.string ?? fault,
                hint: "mm cmdlets NAME shows a cmdlet's parameters.",
                details: ["id": .string(fault)])
        }
        try streams.writeLine(answer.map { JSONWriter.string($0, layout: .indented(2)) } ?? text)
        return 0
    }

    private static let bindBatch = LocalCommand(
        ["cmdlets", "bind"], trigger: "--batch", summary: "Bind many command lines.",
        fields: [InputField("batch", .flag, "Standard input is JSON lines {\"id\", \"line\", \"service\"}.")]
    ) { (_, _, streams) async throws(MMError) in
        try await BatchInput.lines { (line) throws(MMError) in try streams.writeLine(try BindingBatch.answer(line)) }
        return 0
    }
}

/// `mm guard check --batch`: many verdicts, one per line, each written before the next line is read.
enum GuardCommands {
    static func all(environment: [String: String]) -> [LocalCommand] {
        [
            LocalCommand(
                ["guard", "check"], trigger: "--batch", summary: "Judge many scripts, shell commands and requests.",
                fields: [
                    InputField(
                        "batch", .flag,
                        "Standard input is JSON lines: {id, src, module}, {id, shell} or {id, method, url, body}."),
                    InputField("module", .choice(RunModule.names), "Module for lines without one.", .short("m")),
                    InputField(
                        "confined", .flag,
                        "Judge scripts as for a confined session, where each request is judged when it is sent."),
                    InputField("ssh", .flag, "Judge shell commands as on a host by SSH, instead of in a local shell."),
                    InputField(
                        "policy", .choice(["standard", "strict", "readonly"]), "The policy (default standard)."),
                ]
            ) { (input, _, streams) async throws(MMError) in
                let policy = GuardPolicy(
                    try input.text("policy").flatMap { GuardPolicy.Name(rawValue: $0) } ?? .standard)
                let place = try ShellContext(
                    isOnHost: try input.flag("ssh"), directory: CallContext.ownDirectory,
                    StatePaths(environment: environment), environment)
                let batch = GuardBatch(
                    engine: try CurrentGuard(environment: environment).engine(), policy: policy,
                    module: try input.text("module"), isBehindWire: try input.flag("confined"), place: place,
                    resource: {
                        RequestResource(rawValue: $0.lowercased())?.service(of: $1) ?? RequestService(rawValue: $0)
                    },
                    locate: { ServiceAddress.service(at: $0) })
                try await BatchInput.lines { (line) throws(MMError) in try streams.writeLine(batch.judge(line: line)) }
                return 0
            }
        ]
    }
}

/// `mm pin`: the PIN with which a person confirms requests, if a connection requires that.
enum PINCommands {
    static func all(environment: [String: String]) -> [LocalCommand] {
        let proof = OwnerProof(paths: StatePaths(environment: environment))
        return [
            LocalCommand(
                ["pin", "set"], summary: "Set or change the PIN for confirming requests.",
                discussion:
                    "Connections with \"person\": \"pin\" require it for each confirmation. You type it in a terminal; mm stores a slow hash; "
                    + "five wrong attempts block confirmations for 15 minutes.",
                examples: [.init("mm pin set", "asks for the old PIN, if there is one, and twice for the new one")]
            ) { (_, _, streams) async throws(MMError) in
                try await giveOld(proof)
                let new = try await ask("New PIN: ")
                guard try await ask("Once more: ") == new else {
                    throw MMError(.invalidInput, "The two PINs differ.", hint: "Nothing was changed.")
                }
                try await proof.setPIN(new)
                streams.note("\nThe PIN is set.")
                return 0
            },
            LocalCommand(
                ["pin", "remove"], summary: "Remove the PIN.",
                examples: [.init("mm pin remove", "asks for the PIN, then removes it")]
            ) { (_, _, streams) async throws(MMError) in
                try await giveOld(proof)
                guard try proof.hasPIN() else {
                    streams.note("No PIN is set.")
                    return 0
                }
                try await proof.setPIN(nil)
                streams.note(
                    "\nThe PIN was removed. Connections that require a PIN can't be confirmed until a new one is set.")
                return 0
            },
        ]
    }

    /// Requires the old PIN before it is changed, and refuses a process in a session.
    private static func giveOld(_ proof: OwnerProof) async throws(MMError) {
        try PersonProof.require(process: getpid())
        guard try proof.hasPIN() else { return }
        try await proof.check(.pin, try await ask("PIN: "))
    }

    private static func ask(_ prompt: String) async throws(MMError) -> Secret {
        Secret(try await Terminal.controlling.ask(prompt, hidden: true) ?? "")
    }
}
