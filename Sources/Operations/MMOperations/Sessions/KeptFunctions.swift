import MMCore
import PowerShellSyntax

/// The functions that scripts have left in a session's native engine. A later script gets those that it calls in its
/// own text, where they are judged and shown with it, and run in either engine.
struct KeptFunctions: Sendable {
    /// The definitions by the functions' names in lower case.
    private(set) var definitions: [String: String]

    /// Creates the functions of a session.
    init(_ definitions: [String: String]) { self.definitions = definitions }

    /// Returns a script with the functions in front of it that it calls, and those that these call; `nil` if there are
    /// none.
    func completed(_ script: ParsedScript, _ text: String) -> String? {
        guard !definitions.isEmpty, let root = script.root, root.usings.isEmpty,
            let first = root.body?.statements.first
        else { return nil }
        var needed: [String] = []
        var open = Self.called(in: script)
        while let name = open.popLast() {
            guard let definition = definitions[name], !needed.contains(name) else { continue }
            needed.append(name)
            open += Self.called(in: PowerShellParser.parse(definition))
        }
        guard !needed.isEmpty else { return nil }
        var units = Array(text.utf16)
        let before = needed.sorted().compactMap { definitions[$0] }.map { $0 + "\n" }.joined()
        units.insert(contentsOf: before.utf16, at: first.extent.start)
        return String(decoding: units, as: UTF16.self)
    }

    /// Returns what is left after a script that ran in PowerShell, which keeps the functions that it defines.
    func after(_ script: ParsedScript, _ text: String) -> KeptFunctions {
        guard !definitions.isEmpty else { return self }
        let items = ScriptFacts(of: script).items
        let mayDefine = items.contains { item in
            guard case .command(let command) = item.detail else { return false }
            return command.invocation == .dot
                || ["invoke-expression", "iex", "import-module", "ipmo"].contains(command.name?.lowercased() ?? "")
        }
        // The drive of functions holds what no definition shows.
        if mayDefine || text.lowercased().contains("function:") { return KeptFunctions([:]) }
        let units = Array(text.utf16)
        var left = self
        for item in items {
            guard case .function(let name, _) = item.detail,
                definitions[name.lowercased()]
                    != String(decoding: units[item.extent.start..<item.extent.end], as: UTF16.self)
            else { continue }
            left.definitions[name.lowercased()] = nil
        }
        return left
    }

    /// Returns the names, in lower case, of the commands that a script calls before it defines them.
    private static func called(in script: ParsedScript) -> [String] {
        var defined: Set<String> = []
        var names: [String] = []
        for item in ScriptFacts(of: script).items {
            switch item.detail {
            case .function(let name, _): defined.insert(name.lowercased())
            case .command(let command):
                guard let name = command.name?.lowercased(), !defined.contains(name) else { continue }
                names.append(name)
            default: continue
            }
        }
        return names
    }
}
