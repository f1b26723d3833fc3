package import MMCore
import MMGuard
import MMNative
import MMPowerShell
package import PowerShellSyntax

/// The modules of a script, from which its session is derived if the caller names none: those of its service cmdlets,
/// and if it has none, those that it signs in to, loads or requires.
struct ScriptModules {
    /// The service cmdlets, each once, with the sessions that have them.
    private(set) var cmdlets: [(name: String, sessions: Set<String>)] = []
    /// The sessions of the modules that it signs in to, loads or requires, in order.
    private(set) var hints: [String] = []
    /// The unknown commands.
    private var strangers: [String] = []
    /// Whether it has a syntax error, so that the guard refuses it in any module, with the place.
    private let isBroken: Bool

    private static let modules = CmdletModules()

    /// Analyses a script.
    /// - Parameter facts: the facts about the script; computed if left out.
    init(_ script: ParsedScript, _ facts: ScriptFacts? = nil) {
        isBroken = script.errors.first?.isOfPowerShell == true
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
            } else if !Self.modules.isBuiltIn(name), !NativeEngine.carriesOut(name) {
                strangers.append(name)
            }
            if parts.count == 2 { hint(KnownPackages.session(of: parts[0])) }
        }
        // Without other hints, Invoke-RestMethod and Invoke-WebRequest are taken as requests to Graph.
        if hints.isEmpty, !seen.isDisjoint(with: NativeEngine.webCommands) { hint("graph") }
    }

    /// Returns the module that a script runs in. If it uses several in PowerShell, this is the first in a fixed order,
    /// and the cmdlets of the others are called from there.
    /// - Parameter inPowerShell: whether it runs in PowerShell, where a session has the cmdlets of one module only.
    /// - Throws: `invalidInput` with a hint how to name a module, if it uses cmdlets of none, or several that have no
    ///   PowerShell.
    func module(inPowerShell: Bool = false) throws(MMError) -> String {
        if isBroken { return hints.first ?? RunModule.names[0] }
        if cmdlets.isEmpty, let foreign = strangers.lazy.compactMap({ ForeignCmdlet($0) }).first {
            throw foreign.error
        }
        guard !cmdlets.isEmpty else {
            if let hint = hints.first { return hint }
            // What needs no service runs in any session.
            guard let stranger = strangers.first else { return RunModule.names[0] }
            let module = NearestNames.of(stranger, among: RunModule.names, limit: 1).first
            let near = Self.modules.near(stranger).prefix(3)
            let meant =
                if let module, strangers.count == 1 { " Did you mean the module `\(module)`?" } else if !near.isEmpty {
                    " Did you mean \(near.map { "\($0.name) (\($0.session))" }.joined(separator: ", "))?"
                } else { "" }
            throw MMError(
                .invalidInput,
                "The script's module can't be determined: no module here has \(stranger).\(meant)",
                hint: "Give the module: mm run CONNECTION exo 'SCRIPT'. The modules are "
                    + "\(RunModule.names.joined(separator: ", ")).", details: ["field": "module"])
        }
        let cmdlets = inPowerShell ? cmdlets : natively
        let common = cmdlets.dropFirst().reduce(cmdlets[0].sessions) { $0.intersection($1.sessions) }
        if let hinted = hints.first(where: common.contains) { return hinted }
        if let module = RunModule.names.first(where: common.contains) { return module }
        // In the native engine, one session has the cmdlets of Graph, Exchange and compliance.
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

    /// The cmdlets with the sessions that they have in the native engine, which carries out those of Teams for teams
    /// and channels as requests to Graph. Where others need a PowerShell, these are called there as well.
    private var natively: [(name: String, sessions: Set<String>)] {
        let moved = cmdlets.map { name, sessions in
            (name: name, sessions: TeamCmdlet(named: name) == nil ? sessions : ["graph"])
        }
        return moved.allSatisfy { $0.sessions.contains(where: RunModule.isNative) } ? moved : cmdlets
    }

    /// The modules that PowerShell has, in the order in which scripts of several modules acquire their sessions. The
    /// fixed order prevents deadlocks between scripts. Modules that can run natively come last.
    private static let inOrder: [String] = {
        let names = RunModule.names.filter(RunModule.hasPowerShell)
        return names.filter { !RunModule.isNative($0) } + names.filter(RunModule.isNative)
    }()

    /// Returns the cmdlets that only other sessions have, in lower case, with the module of each.
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
            // A cmdlet that several modules have is counted for the hinted module, otherwise for the first.
            let module =
                hints.first(where: sessions.contains) ?? RunModule.names.first(where: sessions.contains) ?? "?"
            counts[module, default: []].append(name)
        }
        let ranked = counts.sorted { ($0.value.count, $1.key) > ($1.value.count, $0.key) }
        let words = ranked.map { "\($0.key) (\(Self.shown($0.value)))" }
        return MMError(
            .invalidInput,
            "The script uses cmdlets of several modules, and a session has one: \(words.joined(separator: ", ")).",
            hint:
                "Split the script, or let the connection's sessions use mm's proxy, where one can call the others' cmdlets: "
                + "mm connections edit CONNECTION egress= confinement=",
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

    /// Adds the module of a cmdlet that signs in as a hint.
    private mutating func hint(_ cmdlet: SignInCmdlet) { if cmdlet.act == .connect { hint(cmdlet.module) } }

    /// Returns the constant texts among a command's arguments.
    private static func texts(of command: CommandFact) -> [String] {
        command.arguments.compactMap { argument in
            switch argument {
            case .value(.string(let text)), .parameter(_, value: .string(let text)?): text
            default: nil
            }
        }
    }
}

extension ScriptModules {
    /// Returns whether a word in the place of a module is a script: a cmdlet, or a text with characters that no module
    /// name has.
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

/// The modules that scripts run in: those of PowerShell, and those that have no PowerShell module here.
package enum RunModule {
    /// The modules' names, in the order in which they are shown.
    package static let names = ModuleProfiles.all.map(\.name) + ["compliance"]

    /// Returns the module with a name, case-insensitively.
    /// - Throws: `invalidInput` with the known names.
    package static func named(_ name: String) throws(MMError) -> String {
        let word = name.lowercased()
        if names.contains(word) { return word }
        throw MMError(
            .invalidInput, "There is no module “\(name)”.", hint: "The modules are \(names.joined(separator: ", ")).")
    }

    /// Returns the module that a caller names, otherwise the one that a script's cmdlets belong to.
    /// - Throws: `invalidInput` with the known names.
    package static func named(_ name: String?, for script: ParsedScript) throws(MMError) -> String {
        if let name { return try named(name) }
        return try ScriptModules(script).module()
    }

    /// Returns whether a module's cmdlets can run natively.
    static func isNative(_ name: String) -> Bool { name == "graph" || ExchangeTable.Service(module: name) != nil }

    /// Returns whether this product runs the module in PowerShell.
    static func hasPowerShell(_ name: String) -> Bool { (try? ModuleProfiles.named(name)) != nil }
}
