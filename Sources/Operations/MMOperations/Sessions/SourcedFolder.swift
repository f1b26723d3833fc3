import Glibc
import MMCore
import PowerShellSyntax

/// A loop by which a script dot-sources each file of some folders, as suites load their parts:
/// `Get-ChildItem "$PSScriptRoot\lib" -Filter *.ps1 | ForEach-Object { . $_.FullName }`.
struct SourcedFolder {
    /// The loop.
    let extent: SourceExtent
    /// The lists of its files.
    let lists: [ListedFiles]
    /// Whether the loop catches errors, so that a file can stand in its place only if it just defines functions.
    private let catches: Bool

    /// Finds the loops among the statements of a script.
    static func all(in script: ParsedScript, with paths: ScriptPaths) -> [SourcedFolder] {
        (script.root?.body?.statements ?? []).compactMap { SourcedFolder($0, with: paths) }
    }

    private init?(_ statement: StatementSyntax, with paths: ScriptPaths) {
        let body: StatementBlockSyntax
        let variables: Set<String>
        let found: [ListedFiles]?
        switch statement {
        case .forEach(let node):
            (body, variables) = (node.body, [node.variable.path.name.lowercased()])
            found = paths.files(of: node.collection)
        case .pipeline(let node):
            guard case .command(let command)? = node.elements.last,
                ["foreach-object", "foreach", "%"].contains(command.constantName?.lowercased() ?? ""),
                command.elements.count == 2, case .argument(.scriptBlock(let block)) = command.elements[1],
                block.scriptBlock.namedBlocks.isEmpty, let inner = block.scriptBlock.body
            else { return nil }
            (body, variables) = (inner, ["_", "psitem"])
            found = paths.files(of: node.elements.dropLast())
        default: return nil
        }
        guard let found, let catches = Self.sourcing(body, variables) else { return nil }
        (extent, lists, self.catches) = (statement.extent, found, catches)
    }

    /// Returns whether a loop's body that does nothing but dot-source its variable's file also catches errors; `nil`
    /// for any other body.
    private static func sourcing(_ body: StatementBlockSyntax, _ variables: Set<String>) -> Bool? {
        guard body.traps.isEmpty, body.statements.count == 1 else { return nil }
        switch body.statements[0] {
        case .try(let node):
            return node.finallyBody == nil && sourcing(node.body, variables) == false ? true : nil
        case .pipeline(let node):
            guard node.elements.count == 1, case .command(let command) = node.elements[0], command.invocation == .dot,
                command.elements.count == 1, command.redirections.isEmpty,
                case .argument(let file) = command.elements[0], names(file, variables)
            else { return nil }
            return false
        default: return nil
        }
    }

    /// Returns whether an expression is the file of a loop's variable: `$_`, `$_.FullName`, `"$($_.FullName)"`.
    private static func names(_ file: ExpressionSyntax, _ variables: Set<String>) -> Bool {
        switch file {
        case .variable(let node): node.path.isVariable && variables.contains(node.path.name.lowercased())
        case .member(let node):
            ["fullname", "pspath"].contains(node.constantName?.lowercased() ?? "") && names(node.target, variables)
        case .paren(let node): node.pipeline.pureExpression.map { names($0, variables) } ?? false
        case .sub(let node): node.block.pureExpression.map { names($0, variables) } ?? false
        case .expandableString(let node):
            node.parts.count == 1 && node.places[0] == 0..<node.value.utf16.count && names(node.parts[0], variables)
        default: false
        }
    }

    /// Removes the lists of the files that the script keeps in variables: they lie where it doesn't run.
    /// - Returns: by how much the text before the loop has grown.
    func forget(in units: inout [UInt16]) -> Int {
        let before = units.count
        for kept in Set(lists.compactMap(\.kept)).sorted(by: { $0.start > $1.start }) where kept.end <= extent.start {
            units.replaceSubrange(kept.start..<kept.end, with: Array("@()".utf16))
        }
        return units.count - before
    }

    /// Returns whether the text of a file may stand in place of the loop's turn.
    func takes(_ text: String) -> Bool {
        !catches || PowerShellParser.parse(text).onlyDefinesFunctions
    }
}

extension ParsedScript {
    /// Whether it does nothing but define functions.
    var onlyDefinesFunctions: Bool {
        guard let root, root.parameterBlock == nil, root.usings.isEmpty, root.definedTypes.isEmpty, let body = root.body
        else { return false }
        return body.statements.allSatisfy { if case .function = $0 { true } else { false } }
    }
}

extension ListedFiles {
    /// Returns which scripts of its folder count, in the order in which they are listed.
    func scripts(among names: [String]) -> [String] {
        names.filter { $0.lowercased().hasSuffix(".ps1") && fnmatch(pattern.lowercased(), $0.lowercased(), 0) == 0 }
            .sorted { $0.lowercased() < $1.lowercased() }
    }
}
