import MMCLI
import MMCore
import MMOperations
import MMTools

/// The owner's tools and the recipes as commands: each has its own flags and its own help.
enum ToolCommands {
    /// The operations of a shelf, where a command line is about one; others don't read the folder.
    static func operations(for words: [String], _ services: OperationServices) -> [AnyOperation] {
        let noun = words.first == "help" ? words.dropFirst().first : words.first
        guard let shelf = shelf(noun, services.paths), let engine = try? services.guards.engine() else { return [] }
        return ToolProjection.operations(of: shelf, shelf.contents(), effects: ToolEffects(engine))
    }

    private static func shelf(_ noun: String?, _ paths: StatePaths) -> ToolShelf? {
        switch noun {
        case "do": .own(paths)
        case "recipe": .recipes
        default: nil
        }
    }

    /// What completion scripts start.
    static func all(environment: [String: String]) -> [LocalCommand] {
        [
            LocalCommand(
                ["complete-tools"], summary: "Complete a word of `mm do` or `mm recipe`.",
                work: .words { (words) async throws(MMError) in
                    let streams = CommandStreams(environment: environment)
                    let found = completions(words, StatePaths(environment: environment))
                    if !found.isEmpty { try streams.writeLine(found.joined(separator: "\n")) }
                    return 0
                }
            ).hidden
        ]
    }

    /// What may stand in the place of a word.
    /// - Parameter words: `do` or `recipe`, the tool, the word before, the word itself; the last three may be empty.
    static func completions(_ words: [String], _ paths: StatePaths) -> [String] {
        let words = words + [String](repeating: "", count: max(0, 4 - words.count))
        guard let shelf = shelf(words[0], paths) else { return [] }
        let contents = shelf.contents()
        guard !words[1].isEmpty, let tool = contents.definition(named: words[1]) else {
            return contents.definitions.map(\.name)
        }
        func connections() -> [String] {
            (try? ConnectionRegistry(path: paths.registry).snapshot().connections.map(\.name)) ?? []
        }
        if words[2] == "--connection" { return connections() }
        let flags = tool.parameters.map { (flag: "--" + InputField($0.name, .text, "").flagName, parameter: $0) }
        if let last = flags.first(where: { $0.flag == words[2] })?.parameter, last.kind != .boolean {
            return last.choices
        }
        guard words[3].hasPrefix("-") else { return connections() }
        var offered =
            flags.map(\.flag) + ["--connection", "--dry-run", "--show", "--help", "--output", "--json", "--jq"]
        if tool.isPlan { offered.append("--apply") }
        return offered
    }
}
