import MMCore

/// `ConvertTo-Html`.
enum HTMLTable {
    /// A column: what it is called, and where its values come from.
    private struct Column {
        let label: String
        let property: CalculatedProperty
    }

    static func convert(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        func texts(_ name: String) throws(Interrupt) -> [String] {
            var found: [String] = []
            for value in Cmdlets.list(command[name]?.plain) where !value.isNull {
                found.append(try PSText.string(value))
            }
            return found
        }
        var properties: [CalculatedProperty] = []
        for value in command.properties.isEmpty ? [.string("*")] : command.properties {
            properties.append(try CalculatedProperty(value, of: command.specification, in: evaluator))
        }
        let isList = command["As"]?.text.lowercased() == "list"
        let rows = items.filter { !$0.isNull }
        let lines =
            isList ? try self.list(rows, properties, evaluator) : try self.table(rows, properties, evaluator)
        try page(["<table>"] + lines + ["</table>"], command, texts, emit)
    }

    /// Returns the lines of a table, whose columns are those that the first object with any of them has.
    private static func table(
        _ rows: [PSValue], _ properties: [CalculatedProperty], _ evaluator: Evaluator
    ) throws(Interrupt) -> [String] {
        var columns: [Column] = []
        var lines: [String] = []
        for row in rows {
            if columns.isEmpty {
                columns = try self.columns(of: row, properties, evaluator)
                guard !columns.isEmpty else { continue }
                lines.append("<colgroup>" + columns.map { _ in "<col/>" }.joined() + "</colgroup>")
                lines.append("<tr>" + columns.map { "<th>\($0.label)</th>" }.joined() + "</tr>")
            }
            var cells = ""
            for column in columns { cells += "<td>\(try text(of: column.property, of: row, evaluator))</td>" }
            lines.append("<tr>\(cells)</tr>")
        }
        return lines
    }

    private static func list(
        _ rows: [PSValue], _ properties: [CalculatedProperty], _ evaluator: Evaluator
    ) throws(Interrupt) -> [String] {
        var lines: [String] = []
        for (number, row) in rows.enumerated() {
            let columns = try self.columns(of: row, properties, evaluator)
            if number > 0, !columns.isEmpty { lines.append("<tr><td><hr></td></tr>") }
            for column in columns {
                let text = try text(of: column.property, of: row, evaluator)
                lines.append("<tr><td>\(column.label):</td><td>\(text)</td></tr>")
            }
        }
        return lines
    }

    /// Returns the columns for those of the requested properties that an object has, under the names that it gives them
    /// unless the script gives one.
    private static func columns(
        of row: PSValue, _ properties: [CalculatedProperty], _ evaluator: Evaluator
    ) throws(Interrupt) -> [Column] {
        var names: [String]?
        if case .object(let object) = row, object.isListable { names = object.whole.shape.names }
        var columns: [Column] = []
        for property in properties {
            switch property.source {
            case .block: columns.append(Column(label: property.label ?? "", property: property))
            case .name(let name):
                var own: String? = name
                if let names {
                    own = names.first { $0.lowercased() == name.lowercased() }
                } else if try property.value(of: row, in: evaluator) == nil {
                    own = nil
                }
                guard let own else { continue }
                columns.append(Column(label: property.isNamed ? property.label ?? own : own, property: property))
            case .pattern(let pattern):
                guard let names else { throw .handOver("a page of all that a \(row.typeName) has") }
                for name in names where try pattern.matches(name) {
                    columns.append(Column(label: name, property: CalculatedProperty(name: name)))
                }
            }
        }
        return columns
    }

    /// Returns the text of a property: what its value's own method says, but for a calculated one what a text with it
    /// says.
    private static func text(
        of property: CalculatedProperty, of item: PSValue, _ evaluator: Evaluator
    ) throws(Interrupt) -> String {
        let value = try property.value(of: item, in: evaluator) ?? .null
        guard case .name(let name) = property.source else { return WebText.encoded(try PSText.string(value)) }
        let text: String
        switch value {
        case .array:
            text = if case .object(let object) = item { try object.listText(of: name) } else { value.typeName }
        case .double(let number): text = PSText.long(number)
        case .single(let number): text = PSText.long(number)
        default: text = try PSText.string(value)
        }
        return WebText.encoded(text)
    }

    private static func page(
        _ table: [String], _ command: BoundCommand, _ texts: (String) throws(Interrupt) -> [String], _ emit: Sink
    ) throws(Interrupt) {
        var lines: [String] = []
        if !command.isSet("Fragment") {
            lines += [
                #"<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"  "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">"#,
                #"<html xmlns="http://www.w3.org/1999/xhtml">"#, "<head>",
            ]
            if let charset = command["Charset"] { lines.append("<meta charset=\"\(charset.text)\">") }
            lines += try metas(command["Meta"])
            let (head, title) = (try texts("Head"), try texts("Title").first ?? "HTML TABLE")
            lines += head.isEmpty ? ["<title>\(title)</title>"] : head
            for address in try texts("CssUri") {
                guard !address.contains(":") else { throw .handOver("an address of styles") }
                lines.append(#"<link rel="stylesheet" type="text/css" href="\#(address)" />"#)
            }
            lines.append("</head><body>")
            lines += try texts("Body")
        }
        lines += try texts("PreContent")
        lines += table
        lines += try texts("PostContent")
        if !command.isSet("Fragment") { lines.append("</body></html>") }
        for line in lines { try emit(.string(line)) }
    }

    /// The names of properties of a page, each with the attribute that names it there.
    private static let metaNames = [
        "content-type": "http-equiv", "default-style": "http-equiv", "x-ua-compatible": "http-equiv",
        "application-name": "name", "author": "name", "description": "name", "generator": "name", "keywords": "name",
        "viewport": "name",
    ]

    private static func metas(_ value: PSValue?) throws(Interrupt) -> [String] {
        guard let value else { return [] }
        guard case .table(let table) = value else { throw .handOver("an unusual -Meta") }
        var lines: [String] = []
        for (name, value) in table.pairs {
            // PowerShell warns of other names.
            guard let attribute = metaNames[name.lowercased()] else { throw .handOver("an unusual -Meta") }
            lines.append("<meta \(attribute)=\"\(name)\" content=\"\(try PSText.string(value))\">")
        }
        return lines
    }
}
