/// Parses PowerShell 7.6 text without running anything: it loads no module, looks up no type and calls no code.
///
/// ```swift
/// let script = PowerShellParser.parse("Get-Mailbox -ResultSize 5 | Where-Object { $_.Name -like 'a*' }")
/// guard let root = script.root else { return script.errors }   // a text with a fault has no tree
/// let facts = ScriptFacts(of: script)                          // what it would run, read and write, in source order
/// for case .command(let command) in facts.items.map(\.detail) { print(command.name ?? "known at run time only") }
/// ```
///
/// Constructs for which the engine itself would consult its session while parsing are rejected instead: `using module`
/// of a module that doesn't come with PowerShell, `using assembly` with a relative path, `configuration`, and types in
/// classes that aren't known to exist.
package enum PowerShellParser {
    /// Parses a script.
    ///
    /// The parser never traps and never guesses: whatever it can't read with certainty is an error in the result. It
    /// needs linear time and a bounded stack for any text.
    /// - Parameters:
    ///   - source: the text as the engine would receive it.
    ///   - limits: the resources that the parser may use.
    /// - Returns: the tree, or the first error.
    package static func parse(_ source: String, limits: ParserLimits = ParserLimits()) -> ParsedScript {
        parse(utf16: units(of: source), limits: limits)
    }

    /// Returns the UTF-16 code units of a text. Those of a plain ASCII text, as nearly all are, equal its bytes.
    private static func units(of source: String) -> [UInt16] {
        let plain = source.utf8.withContiguousStorageIfAvailable { bytes -> [UInt16]? in
            for byte in bytes where byte >= 0x80 { return nil }
            return Array(unsafeUninitializedCapacity: bytes.count) { room, count in
                for index in bytes.indices { room.initializeElement(at: index, to: UInt16(bytes[index])) }
                count = bytes.count
            }
        }
        return (plain ?? nil) ?? Array(source.utf16)
    }

    /// Parses a script from UTF-16 code units, which may include lone surrogates.
    /// - Parameters:
    ///   - units: the text as the engine would receive it.
    ///   - limits: the resources that the parser may use.
    /// - Returns: the tree, or the first error.
    package static func parse(utf16 units: [UInt16], limits: ParserLimits = ParserLimits()) -> ParsedScript {
        guard units.count <= limits.length, units.count < Int(Int32.max) else {
            let error = ParseError(id: "ScriptTooComplicated", extent: SourceExtent(start: 0, end: units.count))
            return ParsedScript(error: error, requirements: nil)
        }
        var parser = Parser(units, limits: limits)
        var requirements: ScriptRequirements?
        do throws(Stop) {
            let root = try parser.parseScript()
            requirements = try parser.parseRequirements()
            if let error = SemanticChecker.check(root) { throw parser.fail(error.id, at: error.extent) }
            let tree = SyntaxTree(root: root, nodes: parser.takeNodes())
            return ParsedScript(
                height: parser.height, tree: tree, requirements: requirements, comments: parser.lexer.comments)
        } catch {
            // A partial tree is released in the same order as a complete one.
            _ = parser.takeNodes()
            let fallback = ParseError(id: "ScriptTooComplicated", extent: SourceExtent(start: 0, end: 0))
            var error = parser.lexer.failure ?? fallback
            // More text may close what is open, and the error at the end would then be a different one.
            if parser.openGroups > 0, error.extent.end + 1 >= units.count, error.id != "ScriptTooComplicated",
                let last = units.last, ![0x29, 0x5D, 0x7D].contains(last)
            {
                error = ParseError(id: error.id, extent: error.extent, isIncomplete: true)
            }
            return ParsedScript(error: error, requirements: requirements)
        }
    }
}

extension Parser {
    /// Returns all nodes, parents before their children, and leaves the parser without any.
    mutating func takeNodes() -> [any AnyObject & Sendable] {
        var taken: [any AnyObject & Sendable] = []
        swap(&taken, &nodes)
        taken.reverse()
        return taken
    }
}

/// The resources that the parser may use for one text. A text that needs more is rejected as `ScriptTooComplicated`.
package struct ParserLimits: Sendable {
    /// The maximum length of the text in UTF-16 code units.
    package var length = 8 << 20
    /// The maximum height of the tree: nested blocks, groups and operands as well as chains of operators and accesses.
    package var nesting = 1000
    /// The maximum number of bytes of the caller's stack. The default suits the 512 KiB threads of a concurrency pool;
    /// callers with a larger stack may raise it to parse deeper nesting.
    package var stackBytes = 320 << 10

    /// Creates the default limits.
    package init() {}
}
