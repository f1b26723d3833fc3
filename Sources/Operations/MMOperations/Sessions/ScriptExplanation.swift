import MMCore
import MMGuard
import MMNative
import PowerShellSyntax

/// An explanation of a script before its first run: what it reads and changes, the permissions it needs, its files and
/// questions, and the engine that runs it.
struct ScriptExplanation {
    let module: String
    /// Why the native engine can't run all of it; `nil` if it can.
    var misfit: String?
    /// Whether the native engine starts it nevertheless, because it may never reach the unsupported part.
    var isBegun = false
    let verdict: Verdict
    /// The other sessions whose cmdlets it calls if it runs in PowerShell.
    var others: [String] = []
    private var modules: [String] = []
    private var reads: [String] = []
    private var writes: [String] = []
    private var unknown: [String] = []
    /// The Graph permissions that its cmdlets need.
    private(set) var permissions: [String] = []
    private var filesWritten: [String] = []
    private var filesRead: [String] = []
    private var questions: [String] = []

    private static let writingFiles: Set<String> = [
        "export-csv", "out-file", "set-content", "add-content", "export-excel", "export-clixml", "tee-object",
    ]
    private static let readingFiles: Set<String> = ["import-csv", "get-content", "import-excel", "import-clixml"]

    /// Analyses a script.
    /// - Parameter given: the values of its parameters that the caller has given.
    init(_ script: ParsedScript, given: JSONObject, in module: String, misfit: String?, verdict: Verdict) {
        self.module = module
        self.misfit = misfit
        self.verdict = verdict
        let items = ScriptFacts(of: script).items
        let own = Set(
            items.compactMap { item in
                if case .function(let name, _) = item.detail { name.lowercased() } else { nil }
            })
        let names = GraphCmdletNames()
        let table = PermissionTable.standard
        let classes = CmdletModules()
        modules = script.requirements?.modules ?? []
        var seen: Set<String> = []
        for item in items {
            if case .call(let call) = item.detail, call.name?.lowercased() == "promptforchoice" {
                Self.add("a choice", to: &questions)
            }
            guard case .command(let command) = item.detail, let name = command.name, !own.contains(name.lowercased())
            else { continue }
            let lower = name.lowercased()
            if Self.writingFiles.contains(lower) { Self.add(Self.path(command), to: &filesWritten) }
            if Self.readingFiles.contains(lower) { Self.add(Self.path(command), to: &filesRead) }
            if let sent = command.value(of: ["infile", "inputfilepath"].contains) {
                Self.add(Self.text(sent), to: &filesRead)
            }
            if let kept = command.value(of: ["outfile", "outputfilepath"].contains) {
                Self.add(Self.text(kept), to: &filesWritten)
            }
            if lower == "read-host" { Self.add(Self.question(command), to: &questions) }
            guard SignInCmdlet.named(name) == nil,
                seen.insert(ServiceCommands.isRead(command) ? lower : lower + " write").inserted
            else { continue }
            let sessions = classes.sessions(of: name)
            guard !sessions.isEmpty || NativeEngine.webCommands.contains(lower) else {
                if !classes.isBuiltIn(name), name.contains("-"), !NativeEngine.carriesOut(name) {
                    Self.add(name, to: &unknown)
                }
                continue
            }
            let isRead = ServiceCommands.isRead(command)
            if isRead { Self.add(name, to: &reads) }
            if !isRead, ServiceCommands.isSent(name, classes) { Self.add(name, to: &writes) }
            let teams = TeamCmdlet(named: name)?.requests.map { ($0.method, $0.path) }
            let requests = names.requests(of: name).prefix(1).map {
                ($0.method, $0.path.replacing("{", with: "").replacing("}", with: ""))
            }
            for (method, path) in teams ?? requests {
                guard let target = try? RequestTarget(parsing: path, service: .graph),
                    let permission = table.permissions(method, target)?.choice(for: .work)?.advised
                else { continue }
                Self.add(permission.name, to: &permissions)
            }
        }
        for name in Self.mandatory(script) where given[name] == nil { Self.add("--param \(name)=…", to: &questions) }
    }

    /// Returns the names of the parameters that a script must be given.
    private static func mandatory(_ script: ParsedScript) -> [String] {
        (script.root?.parameterBlock?.parameters ?? []).filter(isMandatory).map(\.variable.path.name)
    }

    private static func add(_ text: String, to list: inout [String]) { if !list.contains(text) { list.append(text) } }

    private static func isMandatory(_ node: ParameterSyntax) -> Bool {
        node.attributes.contains { attribute in
            guard case .attribute(let own) = attribute else { return false }
            return own.namedArguments.contains { argument in
                guard argument.name.lowercased() == "mandatory" else { return false }
                if case .variable(let value) = argument.argument { return value.path.name.lowercased() == "true" }
                return argument.isOmitted
            }
        }
    }

    /// The text that says which engine runs it.
    private var place: String {
        guard let misfit else { return "natively, without PowerShell" }
        guard isBegun else { return "in PowerShell: \(misfit)" }
        return "natively, unless it reaches code that needs PowerShell: \(misfit)"
    }

    /// The parameters whose value is the file or the question.
    private static let naming = ["path", "literalpath", "filepath", "pspath", "prompt"]
    /// The parameters without a value.
    private static let switches = [
        "append", "force", "noclobber", "notypeinformation", "nti", "includetypeinformation", "useculture", "raw",
        "nonewline", "assecurestring", "maskinput", "noheader", "autosize", "autofilter", "boldtoprow", "freezetoprow",
        "show",
    ]

    /// Returns the argument with a command's file or question; "…" if the text doesn't tell it.
    private static func path(_ command: CommandFact) -> String {
        var pending: String?
        for argument in command.arguments {
            switch argument {
            case .parameter(let name, let value):
                let lower = name.lowercased()
                let isNaming = naming.contains { $0.hasPrefix(lower) }
                if isNaming, let value { return text(value) }
                pending = value == nil && !switches.contains(where: { $0.hasPrefix(lower) }) ? lower : nil
            case .value(let value):
                guard let name = pending else { return text(value) }
                if naming.contains(where: { $0.hasPrefix(name) }) { return text(value) }
                pending = nil
            }
        }
        return "…"
    }

    /// Returns the constant, or the name of the variable that holds the value; "…" for other values.
    private static func text(_ value: FactValue) -> String {
        switch value {
        case .string(let text): text
        case .dynamic(.variable, let name?): "$" + name
        default: "…"
        }
    }

    /// Returns the question of `Read-Host`, whose words need no quotes.
    private static func question(_ command: CommandFact) -> String {
        var words: [String] = []
        for argument in command.arguments {
            switch argument {
            case .parameter(let name, nil) where "prompt".hasPrefix(name.lowercased()): continue
            case .parameter(let name, let value?) where "prompt".hasPrefix(name.lowercased()): words.append(text(value))
            case .parameter: continue
            case .value(let value): words.append(text(value))
            }
        }
        return words.isEmpty || words.contains("…") ? "a question" : words.joined(separator: " ")
    }

    /// Returns the explanation as an answer.
    func answer(connection: String, lacking: [String]?) -> OperationAnswer {
        var rows: [(String, [String])] = [
            ("session", [module]), ("calls into", misfit == nil ? [] : others), ("modules", modules), ("reads", reads),
            ("changes", writes),
            ("unknown", unknown), ("permissions", permissions),
        ]
        if let lacking { rows.append(("lacking", lacking)) }
        rows += [
            ("files written", filesWritten), ("files read", filesRead), ("asks", questions),
            ("runs", [place]),
            (
                "guard",
                [
                    verdict.decision == .allow
                        ? "starts without asking" : "\(verdict.decision.rawValue): \(verdict.reason)"
                ]
            ),
        ]
        rows.removeAll { $0.1.isEmpty }
        let width = rows.map(\.0.count).max() ?? 0
        let text = rows.map { name, values in
            name.padding(to: width) + "  " + values.joined(separator: ", ")
        }.joined(separator: "\n")
        let json = JSONObject(
            rows.map { name, values in
                (name.replacing(" ", with: "_"), .array(values.map { .string($0) }))
            })
        return OperationAnswer(.value(.object(json)), text: text, connection: connection)
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

/// The service cmdlets in a script, by whether they read or change something.
enum ServiceCommands {
    /// Returns whether one of a script's cmdlets changes something.
    static func changeSomething(_ facts: ScriptFacts) -> Bool {
        let items = facts.items
        let own = Set(
            items.compactMap { item in
                if case .function(let name, _) = item.detail { name.lowercased() } else { nil }
            })
        let modules = CmdletModules()
        return items.contains { item in
            guard case .command(let command) = item.detail, let name = command.name, !own.contains(name.lowercased()),
                SignInCmdlet.named(name) == nil
            else { return false }
            return isSent(name, modules) && !isRead(command)
        }
    }

    /// Returns whether a cmdlet sends something. What the engine carries out itself, such as `Select-MgProfile`,
    /// doesn't.
    static func isSent(_ name: String, _ modules: CmdletModules) -> Bool {
        NativeEngine.webCommands.contains(name.lowercased())
            || !modules.sessions(of: name).isEmpty && !NativeEngine.carriesOut(name)
    }

    /// Returns whether a service's cmdlet only reads, by the guard's tables. For cmdlets that send any request, the
    /// method decides.
    static func isRead(_ command: CommandFact) -> Bool {
        let name = command.name?.lowercased() ?? ""
        guard
            ["invoke-mggraphrequest", "invoke-graphrequest"].contains(name) || NativeEngine.webCommands.contains(name)
        else {
            return CmdletClasses().onlyReads(name)
        }
        var isMethod = false
        for argument in command.arguments {
            switch argument {
            case .parameter(let written, let value):
                isMethod = written.count > 1 && "method".hasPrefix(written.lowercased())
                guard isMethod, let value else { continue }
                return Self.isGet(value)
            case .value(let value):
                if isMethod { return Self.isGet(value) }
                if case .string(let text) = value, ["post", "patch", "put", "delete"].contains(text.lowercased()) {
                    return false
                }
            }
        }
        return true
    }

    private static func isGet(_ value: FactValue) -> Bool {
        if case .string(let text) = value { text.lowercased() == "get" } else { false }
    }
}
