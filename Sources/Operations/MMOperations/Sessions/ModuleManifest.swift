import PowerShellSyntax

/// A module's manifest (`Tools.psd1`): which files make up the module.
struct ModuleManifest {
    /// Statements that load the same files as the manifest, from its folder, in the order in which PowerShell loads
    /// them.
    let statements: [String]

    /// Reads a manifest; `nil` for any other text, and for a module that isn't made of scripts alone.
    init?(_ text: String) {
        guard let root = PowerShellParser.parse(text).root, root.usings.isEmpty, root.parameterBlock == nil,
            let body = root.body, case .hashtable(let table)? = body.pureExpression
        else { return nil }
        var entries: [String: [String]] = [:]
        for entry in table.entries {
            guard case .string(let key) = entry.key else { return nil }
            let name = key.value.lowercased()
            guard Self.loading.contains(name) else { continue }
            guard let files = entry.value.pureExpression.flatMap(Self.texts) else { return nil }
            entries[name] = files
        }
        var statements: [String] = []
        for file in entries["scriptstoprocess"] ?? [] { statements.append(". './\(file)'") }
        for file in ["nestedmodules", "rootmodule", "moduletoprocess"].flatMap({ entries[$0] ?? [] }) {
            guard [".psm1", ".psd1", ".ps1"].contains(where: file.lowercased().hasSuffix) else { return nil }
            statements.append("Import-Module './\(file)'")
        }
        guard !statements.isEmpty, !statements.contains(where: { $0.filter { $0 == "'" }.count != 2 }) else {
            return nil
        }
        self.statements = statements
    }

    /// The keys that name files which are run.
    private static let loading: Set<String> = ["scriptstoprocess", "nestedmodules", "rootmodule", "moduletoprocess"]

    /// Returns the texts of a list, or the only one; `nil` for other values.
    private static func texts(_ expression: ExpressionSyntax) -> [String]? {
        switch expression {
        case .string(let node): return [node.value]
        case .paren(let node): return node.pipeline.pureExpression.flatMap(texts)
        case .array(let node):
            var found: [String] = []
            for statement in node.block.statements {
                guard let texts = statement.pureExpression.flatMap(texts) else { return nil }
                found += texts
            }
            return found
        case .arrayLiteral(let node):
            var found: [String] = []
            for element in node.elements {
                guard let texts = texts(element) else { return nil }
                found += texts
            }
            return found
        default: return nil
        }
    }

    /// Returns the files that the path of a module, as `Import-Module` names it, may mean: itself, or one in the
    /// folder, or beside it, that has its name.
    static func files(at path: String) -> [String] {
        if [".psm1", ".psd1", ".ps1"].contains(where: path.lowercased().hasSuffix) { return [path] }
        guard let name = path.split(separator: "/").last else { return [] }
        return ["\(path)/\(name).psd1", "\(path)/\(name).psm1", path + ".psd1", path + ".psm1"]
    }
}
