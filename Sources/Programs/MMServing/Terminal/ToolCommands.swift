import MMCore
import MMOperations

/// The owner's tools and the recipes as commands: each has its own flags and its own help.
enum ToolCommands {
    /// The operations of a shelf, where a command line is about one; others don't read the folder.
    static func operations(for words: [String], _ services: OperationServices) -> [AnyOperation] {
        // Help, completion and manual pages name the command behind a word of their own.
        let isAbout = words.first == "help" || words.first == "complete"
        var nouns = [isAbout ? words.dropFirst().first { $0 != "--" } : words.first].compactMap(\.self)
        // Behind `--` of a plan stand command lines of their own.
        if !isAbout { nouns += words.split(separator: "--").dropFirst().compactMap(\.first) }
        let shelves = ["do", "recipe"].filter(nouns.contains).compactMap { shelf($0, services.paths) }
        guard !shelves.isEmpty, let engine = try? services.guards.engine() else { return [] }
        return shelves.flatMap { shelf in
            ToolProjection.operations(of: shelf, shelf.contents(), effects: ToolEffects(engine))
        }
    }

    private static func shelf(_ noun: String, _ paths: StatePaths) -> ToolShelf? {
        switch noun {
        case "do": .own(paths)
        case "recipe": .recipes
        default: nil
        }
    }
}
