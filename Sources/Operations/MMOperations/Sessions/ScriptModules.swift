package import MMCore
import MMGuard
import MMNative
import MMPowerShell
package import PowerShellSyntax

/// The modules that a script's cmdlets are in, for a caller that names none: those of its cmdlets decide, and where it has none,
/// what it signs in to, loads or requires.
struct ScriptModules {
    /// The cmdlets of services, each once, with the sessions that have them.
    private(set) var cmdlets: [(name: String, sessions: Set<String>)] = []
    /// The sessions of what it signs in to, loads or requires, in order.
    private(set) var hints: [String] = []
    /// What it uses of a module whose service has ended.
    private var retired: String?
    /// Commands that nobody knows.
    private var strangers: [String] = []

    private static let modules = CmdletModules()

    /// The modules of a script.
    /// - Parameter facts: what is known of it; looked for where it is left out.
    init(_ script: ParsedScript, _ facts: ScriptFacts? = nil) {
        let items = (facts ?? ScriptFacts(of: script)).items
        let own = Set(
            items.compactMap { item in
                if case .function(let name, _) = item.detail { name.lowercased() } else { nil }
            })
        for name in script.requirements?.modules ?? [] { hint(KnownPackages.session(of: name)) }
        var seen: Set<String> = []
        for item in items {
            guard case .command(let command) = item.detail, let written = command.name else { continue }
            let parts = written.split(separator: "\\").map(String.init)
            let name = parts.last ?? written
            if let cmdlet = SignInCmdlet.named(name) {
                hint(cmdlet)
                if [.load, .install].contains(cmdlet.act) {
                    for text in Self.texts(of: command) { hint(KnownPackages.session(of: text)) }
                }
                continue
            }
            guard !own.contains(name.lowercased()), seen.insert(name.lowercased()).inserted else { continue }
            let sessions = Self.modules.sessions(of: name)
            if !sessions.isEmpty {
                cmdlets.append((name, sessions))
            } else if !Self.modules.isBuiltIn(name) {
                if Self.isRetired(name) { retired = retired ?? name }
                strangers.append(name)
            }
            if parts.count == 2 { hint(KnownPackages.session(of: parts[0])) }
        }
        // What it asks of a service by PowerShell's own commands for the web, it asks of Graph.
        if hints.isEmpty, !seen.isDisjoint(with: NativeEngine.webCommands) { hint("graph") }
    }

    /// The module that a script runs in: of several in PowerShell the first one, from where it calls the cmdlets of the others.
    /// - Parameter inPowerShell: whether PowerShell runs it, where a session has the cmdlets of its module alone.
    /// - Throws: `invalidInput` where it uses none, or several that have no PowerShell, with how to name one.
    func module(inPowerShell: Bool = false) throws(MMError) -> String {
        if cmdlets.isEmpty, let retired {
            throw MMError(
                .invalidInput, "\(retired) is a cmdlet of a module that has ended.",
                hint: "Use the cmdlets of Microsoft Graph (module graph), such as Get-MgUser.",
                details: ["field": "module", "cmdlet": .string(retired)])
        }
        guard let first = cmdlets.first else {
            if let hint = hints.first { return hint }
            let what = strangers.first.map { "no module here has \($0)" } ?? "it uses no cmdlet of one"
            let module = strangers.first.flatMap { NearestNames.of($0, among: RunModule.names, limit: 1).first }
            let near = strangers.first.map { Self.modules.near($0).prefix(3) } ?? []
            let meant =
                if let module, strangers.count == 1 { " Did you mean the module `\(module)`?" } else if !near.isEmpty {
                    " Did you mean \(near.map { "\($0.name) (\($0.session))" }.joined(separator: ", "))?"
                } else { "" }
            throw MMError(
                .invalidInput, "Which module the script runs in can't be told from it: \(what).\(meant)",
                hint: "Name one: mm run CONNECTION exo 'SCRIPT'. The modules are "
                    + "\(RunModule.names.joined(separator: ", ")).", details: ["field": "module"])
        }
        let common = cmdlets.dropFirst().reduce(first.sessions) { $0.intersection($1.sessions) }
        if let hinted = hints.first(where: common.contains) { return hinted }
        if let module = RunModule.names.first(where: common.contains) { return module }
        // The native engine has Graph's cmdlets beside Exchange's in one session, and those of both of Exchange's services.
        for (module, beside) in [("exo", Set<String>()), ("compliance", []), ("exo", ["compliance"])]
        where !inPowerShell {
            let sessions = beside.union([module, "graph"])
            if cmdlets.allSatisfy({ !$0.sessions.isDisjoint(with: sessions) }) { return module }
        }
        guard let first = Self.inOrder.first(where: { name in cmdlets.contains { $0.sessions.contains(name) } }) else {
            throw several
        }
        return first
    }

    /// The modules that PowerShell has, in the order in which scripts of several hold their sessions: whoever has one waits for
    /// later ones alone, so that no two scripts wait for each other. Those that run without a PowerShell come last.
    private static let inOrder: [String] = {
        let names = RunModule.names.filter(RunModule.hasPowerShell)
        return names.filter { !RunModule.isNative($0) } + names.filter(RunModule.isNative)
    }()

    /// The cmdlets that a session doesn't have and another one does, in lower case, with the module of each.
    func elsewhere(than module: String) -> [String: String] {
        var places: [String: String] = [:]
        for (name, sessions) in cmdlets where !sessions.contains(module) && name != "pac" {
            let place = hints.first(where: sessions.contains) ?? RunModule.names.first(where: sessions.contains)
            if let place { places[name.lowercased()] = place }
        }
        return places
    }

    /// The error for a script whose cmdlets are in several modules.
    var several: MMError {
        var counts: [String: [String]] = [:]
        for (name, sessions) in cmdlets {
            // A cmdlet that two modules share is counted where more of the script is.
            let module =
                hints.first(where: sessions.contains) ?? RunModule.names.first(where: sessions.contains) ?? "?"
            counts[module, default: []].append(name)
        }
        let ranked = counts.sorted { ($0.value.count, $1.key) > ($1.value.count, $0.key) }
        let words = ranked.map { "\($0.key) (\(Self.shown($0.value)))" }
        return MMError(
            .invalidInput,
            "The script uses cmdlets of several modules, and a session holds one: \(words.joined(separator: ", ")).",
            hint:
                "Let its sessions reach the network through mm alone, where one calls the others' cmdlets: mm connections edit "
                + "CONNECTION egress= confinement=; or split it.",
            details: ["field": "module", "modules": .array(ranked.map { .string($0.key) })])
    }

    private static func shown(_ names: [String]) -> String {
        guard names.count > 3 else { return names.joined(separator: ", ") }
        return "\(names.prefix(2).joined(separator: ", ")) and \(names.count - 2) more"
    }

    private mutating func hint(_ session: String?) {
        guard let session, RunModule.names.contains(session), !hints.contains(session) else { return }
        hints.append(session)
    }

    /// What signs in says which module is meant.
    private mutating func hint(_ cmdlet: SignInCmdlet) { if cmdlet.act == .connect { hint(cmdlet.module) } }

    /// The texts among a command's arguments.
    private static func texts(of command: CommandFact) -> [String] {
        command.arguments.compactMap { argument in
            switch argument {
            case .value(.string(let text)), .parameter(_, value: .string(let text)?): text
            default: nil
            }
        }
    }

    /// Whether a cmdlet is of a module whose service has ended.
    private static func isRetired(_ name: String) -> Bool {
        let parts = name.lowercased().split(separator: "-", maxSplits: 1)
        guard parts.count == 2 else { return false }
        return parts[1].hasPrefix("msol") || parts[1].hasPrefix("azuread") || parts[1].hasPrefix("azurerm")
    }
}

extension ScriptModules {
    /// Whether a word that stands where a module would is a script: a cmdlet, or a text with what no name holds.
    static func isScript(_ word: String) -> Bool {
        let text = word
        guard !text.isEmpty else { return false }
        if text.contains(where: { $0.isWhitespace || "|;$(){}@'\"=".contains($0) }) { return true }
        if SignInCmdlet.named(text) != nil || modules.isBuiltIn(text) || !modules.sessions(of: text).isEmpty {
            return true
        }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2
            && parts.allSatisfy { part in
                part.first?.isUppercase ?? false && part.allSatisfy { $0.isLetter || $0.isNumber }
            }
    }
}

/// The modules that commands run in: those of PowerShell, and those that have no PowerShell here at all.
package enum RunModule {
    /// Their words, in the order they are shown.
    package static let names = ModuleProfiles.all.map(\.name) + ["compliance"]

    /// The module of a word; case doesn't count.
    /// - Throws: `invalidInput` with the words there are.
    package static func named(_ name: String) throws(MMError) -> String {
        let word = name.lowercased()
        if names.contains(word) { return word }
        throw MMError(
            .invalidInput, "There is no module “\(name)”.", hint: "The modules are \(names.joined(separator: ", ")).")
    }

    /// The module that a caller names, else the one that a script's own cmdlets are in.
    /// - Throws: `invalidInput` with the words there are.
    package static func named(_ name: String?, for script: ParsedScript) throws(MMError) -> String {
        if let name { return try named(name) }
        return try ScriptModules(script).module()
    }

    /// Whether its cmdlets run natively.
    static func isNative(_ name: String) -> Bool { name == "graph" || ExchangeTable.Service(module: name) != nil }

    /// Whether a PowerShell module of it exists on this platform.
    static func hasPowerShell(_ name: String) -> Bool { (try? ModuleProfiles.named(name)) != nil }
}
