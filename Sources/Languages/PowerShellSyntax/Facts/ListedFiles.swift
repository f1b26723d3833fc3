/// The files of a folder that a script lists: `Get-ChildItem "$PSScriptRoot\lib" -Filter *.ps1`.
package struct ListedFiles: Hashable, Sendable {
    /// The path of the folder, from the script's own.
    package let folder: String
    /// The names that count, with wildcards.
    package let pattern: String
    /// Where the script lists them, if it keeps the list in a variable.
    package fileprivate(set) var kept: SourceExtent?
}

extension ScriptPaths {
    /// Returns the lists of files that a statement has as its value; `nil` if its text doesn't determine them.
    package func files(of statement: StatementSyntax) -> [ListedFiles]? {
        var reading = FileListReading(paths: self)
        return reading.files(statement)
    }

    /// Returns the lists of files that commands of a pipeline pass on; `nil` if their text doesn't determine them.
    package func files(of elements: ArraySlice<PipelineElementSyntax>) -> [ListedFiles]? {
        var reading = FileListReading(paths: self)
        return reading.files(elements)
    }
}

/// The evaluation of one statement as lists of files.
private struct FileListReading {
    let paths: ScriptPaths
    /// The number of statements evaluated so far; variables may name each other in circles.
    private var steps = 0

    private static let most = 50

    init(paths: ScriptPaths) { self.paths = paths }

    mutating func files(_ statement: StatementSyntax) -> [ListedFiles]? {
        steps += 1
        guard steps < Self.most, case .pipeline(let pipeline) = statement else { return nil }
        return files(pipeline.elements[...])
    }

    mutating func files(_ elements: ArraySlice<PipelineElementSyntax>) -> [ListedFiles]? {
        let isSorted = elements.dropFirst().allSatisfy { element in
            guard case .command(let command) = element else { return false }
            return ["sort-object", "sort"].contains(command.constantName?.lowercased() ?? "")
        }
        guard isSorted else { return nil }
        switch elements.first {
        case .command(let command)?: return files(command).map { [$0] }
        case .expression(let element)?: return files(element.expression)
        case nil: return nil
        }
    }

    private mutating func files(_ expression: ExpressionSyntax) -> [ListedFiles]? {
        switch expression {
        case .paren(let node): return files(node.pipeline)
        case .sub(let node): return files(node.block)
        case .array(let node): return files(node.block)
        case .variable(let node):
            guard node.path.isVariable, !node.isSplatted, let values = paths.values(of: node.path.name),
                values.count == 1
            else { return nil }
            return files(values[0])?.map { list in
                var list = list
                list.kept = list.kept ?? values[0].extent
                return list
            }
        case .binary(let node) where node.op == .plus:
            guard let left = files(node.left), let right = files(node.right) else { return nil }
            return left + right
        default: return nil
        }
    }

    private mutating func files(_ block: StatementBlockSyntax) -> [ListedFiles]? {
        block.statements.count == 1 ? files(block.statements[0]) : nil
    }

    /// Returns what `Get-ChildItem` lists in one folder.
    private func files(_ command: CommandSyntax) -> ListedFiles? {
        guard command.invocation == nil,
            ["get-childitem", "gci", "ls", "dir"].contains(command.constantName?.lowercased() ?? "")
        else { return nil }
        var (path, filter): (String?, String?)
        var named: String?
        for word in command.words {
            switch word {
            case .name(let parameter):
                let name = parameter.name.lowercased()
                guard parameter.argument == nil, named == nil else { return nil }
                switch name {
                case "file", "force": continue
                case "path", "literalpath", "filter", "erroraction", "ea": named = name
                default: return nil
                }
            case .value(let value):
                guard let text = paths.path(of: value) else { return nil }
                switch named {
                case "erroraction", "ea": break
                case "filter": filter = text
                case nil where path != nil && filter == nil: filter = text
                case _ where path == nil: path = text
                default: return nil
                }
                named = nil
            case .text, .splat: return nil
            }
        }
        guard named == nil else { return nil }
        return list(path ?? ".", filter)
    }

    private func list(_ path: String, _ filter: String?) -> ListedFiles? {
        var parts = path.split(separator: "/").map(String.init)
        var pattern = filter
        if let last = parts.last, last.contains(where: { "*?".contains($0) }) {
            guard filter == nil else { return nil }
            pattern = last
            parts.removeLast()
        }
        guard let pattern, !path.hasPrefix("/"), !parts.contains(where: { $0.contains { "*?[:".contains($0) } }) else {
            return nil
        }
        return ListedFiles(folder: parts.joined(separator: "/"), pattern: pattern)
    }
}
