import MMCore
package import MMOperations

/// The reference page of all operations, `Operations` of the site.
package enum OperationsPage {
    /// Returns the page for a catalogue.
    package static func text(of catalogue: Catalogue) -> String {
        var page = """
            # Operations

            Every operation of `mm`. This page is generated from the catalogue: `make pages` writes it, and a test
            fails when it is out of date. The same operations are commands (`mm …`), tools of `mm-mcp` and routes
            (`POST /v1/operations/NAME`) with the same arguments and answers.

            | operation | command | who | what it does |
            |---|---|---|---|

            """
        for operation in catalogue.operations {
            let declaration = operation.declaration
            let command = declaration.command.joined(separator: " ")
            page += "| [`\(declaration.name)`](#\(declaration.name)) | `mm \(command)` | "
            page += "\(who(declaration)) | \(escaped(declaration.summary)) |\n"
        }
        for operation in catalogue.operations { page += section(operation) }
        return page
    }

    private static func section(_ operation: AnyOperation) -> String {
        let declaration = operation.declaration
        var text = "\n## \(declaration.name)\n\n\(declaration.description)\n\n"
        text += "Toolset `\(declaration.toolset.rawValue)`, for \(who(declaration)); \(effects(declaration.effects))."
        if !declaration.aliases.isEmpty {
            text += " Also called " + declaration.aliases.map { "`\($0)`" }.joined(separator: ", ") + "."
        }
        text += "\n"
        if !operation.fields.isEmpty {
            text += "\n| argument | kind | what it is |\n|---|---|---|\n"
            for field in operation.fields {
                let name = field.isRequired ? "**`\(field.name)`**" : "`\(field.name)`"
                let hidden = field.isTakenFromModels ? "" : " Not for AI agents."
                text += "| \(name) | \(kind(field.kind)) | \(escaped(field.summary))\(hidden) |\n"
            }
        }
        if !declaration.examples.isEmpty {
            text += "\n"
            for example in declaration.examples { text += "- `\(example.command)`: \(example.purpose)\n" }
        }
        return text
    }

    private static func who(_ declaration: OperationDeclaration) -> String {
        switch declaration.audience {
        case .everyone: "everyone"
        case .person: "people"
        }
    }

    private static func effects(_ effects: OperationDeclaration.Effects) -> String {
        var words = [effects.readOnly ? "changes nothing" : effects.destructive ? "may delete or overwrite" : "writes"]
        if effects.idempotent, !effects.readOnly { words.append("repeating it changes nothing more") }
        words.append(effects.openWorld ? "connects to other machines" : "stays on this machine")
        return words.joined(separator: ", ")
    }

    private static func kind(_ kind: InputField.Kind) -> String {
        switch kind {
        case .text: "text"
        case .flag: "yes or no"
        case .integer(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .choice(let words): words.map { "`\($0)`" }.joined(separator: " ")
        case .object: "JSON object"
        case .objectOrList: "JSON object or list"
        case .parameters, .arguments: "JSON object, or `name=value&…`"
        case .textList: "texts"
        case .calls: "calls, each with `tool` and `arguments`"
        }
    }

    /// Escapes bars, which would end a table cell.
    private static func escaped(_ text: String) -> String {
        text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
}
