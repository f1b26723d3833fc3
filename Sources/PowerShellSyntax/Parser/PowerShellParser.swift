/// Reads PowerShell 7.6 text without running anything: no module is loaded, no type looked up, no code called.
///
/// ```swift
/// let script = PowerShellParser.parse("Get-Mailbox -ResultSize 5 | Where-Object { $_.Name -like 'a*' }")
/// guard let root = script.root else { return script.errors }   // a text with a fault has no tree
/// let facts = ScriptFacts(of: script)                          // what it would run, read and write, in source order
/// for case .command(let command) in facts.items.map(\.detail) { print(command.name ?? "known at run time only") }
/// ```
///
/// What the engine itself would ask its session while it parses is refused instead: `using module` of a module that
/// does not come with PowerShell, `using assembly` by a relative path, `configuration`, and types in classes that are
/// not known to be there.
public enum PowerShellParser {
    /// Parses a script.
    ///
    /// The parser never traps and never guesses: whatever it can't read with certainty is an error in the result.
    /// It needs linear time and a bounded stack whatever the text is.
    /// - Parameters:
    ///   - source: the text as the engine would get it.
    ///   - limits: what the parser may spend.
    /// - Returns: the tree, or the first error.
    public static func parse(_ source: String, limits: ParserLimits = ParserLimits()) -> ParsedScript {
        parse(utf16: Array(source.utf16), limits: limits)
    }

    /// Parses a script given as UTF-16 code units, lone surrogates included.
    /// - Parameters:
    ///   - units: the text as the engine would get it.
    ///   - limits: what the parser may spend.
    /// - Returns: the tree, or the first error.
    public static func parse(utf16 units: [UInt16], limits: ParserLimits = ParserLimits()) -> ParsedScript {
        guard units.count <= limits.length, units.count < Int(Int32.max) else {
            let error = ParseError(id: "ScriptTooComplicated", extent: SourceExtent(start: 0, end: units.count))
            return ParsedScript(length: units.count, error: error, requirements: nil)
        }
        var parser = Parser(units, limits: limits)
        var requirements: ScriptRequirements?
        do throws(Stop) {
            let root = try parser.parseScript()
            requirements = try parser.parseRequirements()
            if let error = SemanticChecker.check(root) { throw parser.fail(error.id, at: error.extent) }
            let tree = SyntaxTree(root: root, nodes: parser.takeNodes())
            return ParsedScript(
                length: units.count, height: parser.height, tree: tree, requirements: requirements)
        } catch {
            // A half-built tree is let go in the same order as a whole one.
            _ = parser.takeNodes()
            let fallback = ParseError(id: "ScriptTooComplicated", extent: SourceExtent(start: 0, end: 0))
            var error = parser.lexer.failure ?? fallback
            // More text may yet close what is open; the fault at the end itself would then be another one.
            if parser.openGroups > 0, error.extent.end + 1 >= units.count, error.id != "ScriptTooComplicated",
                let last = units.last, ![0x29, 0x5D, 0x7D].contains(last)
            {
                error = ParseError(id: error.id, extent: error.extent, isIncomplete: true)
            }
            return ParsedScript(length: units.count, error: error, requirements: requirements)
        }
    }
}

extension Parser {
    /// All nodes, parents before their children; the parser is left without any.
    mutating func takeNodes() -> [any AnyObject & Sendable] {
        var taken: [any AnyObject & Sendable] = []
        swap(&taken, &nodes)
        taken.reverse()
        return taken
    }
}
