import MMCore

/// `ConvertTo-Html`.
enum HTMLTable {
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
        guard !items.allSatisfy(\.isNull) else { return try page([], command, texts, emit) }
        var properties: [CalculatedProperty] = []
        for value in command.properties {
            properties.append(try CalculatedProperty(value, of: command.specification, in: evaluator))
        }
        if properties.isEmpty || command["Property"]?.text == "*" {
            guard case .object(let first) = items[0] else { throw .handOver("a page of \(items[0].typeName)") }
            guard first.isListable else { throw .handOver("a page of all that a \(first.typeName) has") }
            properties = first.whole.shape.names.map { CalculatedProperty(name: $0) }
        }
        var lines: [String] = []
        let isList = command["As"]?.text.lowercased() == "list"
        lines.append("<table>")
        if !isList {
            lines.append("<colgroup>" + properties.map { _ in "<col/>" }.joined() + "</colgroup>")
            lines.append("<tr>" + properties.map { "<th>\(WebText.encoded($0.label ?? ""))</th>" }.joined() + "</tr>")
        }
        for (number, item) in items.enumerated() {
            var cells: [String] = []
            for property in properties {
                let value = try property.value(of: item, in: evaluator) ?? .null
                let text = WebText.encoded(try PSText.string(value))
                cells.append(
                    isList
                        ? "<tr><td>\(WebText.encoded(property.label ?? "")):</td><td>\(text)</td></tr>"
                        : "<td>\(text)</td>")
            }
            if isList {
                if number > 0 { lines.append("<tr><td><hr></td></tr>") }
                lines += cells
            } else {
                lines.append("<tr>" + cells.joined() + "</tr>")
            }
        }
        lines.append("</table>")
        try page(lines, command, texts, emit)
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
            let head = try texts("Head")
            lines +=
                head.isEmpty ? ["<title>\(WebText.encoded(try texts("Title").first ?? "HTML TABLE"))</title>"] : head
            if let charset = command["Charset"] { lines.append("<meta charset=\"\(WebText.encoded(charset.text))\">") }
            if case .table(let meta)? = command["Meta"] {
                for (name, value) in meta.pairs {
                    let content = WebText.encoded(try PSText.string(value))
                    lines.append("<meta name=\"\(WebText.encoded(name))\" content=\"\(content)\">")
                }
            }
            for address in try texts("CssUri") {
                lines.append(#"<link rel="stylesheet" type="text/css" href="\#(WebText.encoded(address))" />"#)
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
}
