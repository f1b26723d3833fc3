import MMCore

/// The servers in Codex's `config.toml`: one table each, `[mcp_servers.NAME]`.
enum CodexTable {
    private static let root = "mcp_servers"

    /// The servers of a file.
    /// - Throws: `MMError.invalidInput` with the line that can't be read.
    static func servers(in bytes: [UInt8], _ path: String) throws(MMError) -> [ClientList.Found] {
        let outline = try TOMLOutline(bytes, path: path)
        var names: [String] = []
        for statement in outline.statements where statement.path.first == root && statement.path.count >= 2 {
            if !names.contains(statement.path[1]) { names.append(statement.path[1]) }
        }
        return names.map { name in
            func value(_ key: String) -> Range<Int>? {
                outline.statements.first { !$0.isHeader && $0.path == [root, name, key] }?.value
            }
            return ClientList.Found(
                name: name, command: value("command").flatMap { outline.text($0) },
                arguments: value("args").flatMap { outline.texts($0) } ?? [],
                url: value("url").flatMap { outline.text($0) })
        }
    }

    /// The file with a server in it; every line that says nothing of it stays as it is.
    /// - Throws: `MMError.invalidInput` when the file can't be read, `unsupported` when the server is written in a form that
    ///   can't be changed line by line.
    static func put(_ entry: ServerEntry, into bytes: [UInt8], _ path: String) throws(MMError) -> [UInt8] {
        let outline = try TOMLOutline(bytes, path: path)
        let table = [root, entry.name]
        let own = outline.statements.filter { $0.path.starts(with: table) }
        let header = own.first { $0.isHeader && $0.path == table }
        let isInline = outline.statements.contains { $0.path == [root] && !$0.isHeader }
        guard !isInline, own.allSatisfy({ $0.isHeader || $0.depth >= 2 }) else {
            throw MMError(
                .unsupported, "\(path) writes `\(root)` in one line, which is not changed from here.",
                hint: "Add the server by hand: `mm mcp install codex --print` shows it.")
        }
        guard let header else {
            guard own.isEmpty else {
                throw MMError(
                    .unsupported, "\(path) has a part of [\(root).\(entry.name)] and not the table itself.",
                    hint: "Add it by hand: `mm mcp install codex --print` shows it.")
            }
            var text = bytes
            if !text.isEmpty {
                if text.last != 0x0A { text.append(0x0A) }
                text.append(0x0A)
            }
            return text + Array(self.text(of: entry).utf8)
        }
        return edited(bytes, outline, own, header, entry)
    }

    /// The server as a table of its own.
    static func text(of entry: ServerEntry) -> String {
        var lines = ["[\(root).\(key(entry.name))]"]
        lines += wanted(entry).compactMap { name, value in value.map { "\(name) = \($0)" } }
        if case .command(_, _, let environment) = entry.way, !environment.isEmpty {
            lines += ["", "[\(root).\(key(entry.name)).env]"] + variables(environment)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The keys of the table that are ours to set, or to remove.
    private static func wanted(_ entry: ServerEntry) -> [(name: String, value: String?)] {
        switch entry.way {
        case .command(let command, let arguments, _):
            let list = arguments.map { TOMLOutline.quoted($0) }.joined(separator: ", ")
            return [("command", TOMLOutline.quoted(command)), ("args", "[\(list)]"), ("url", nil)]
        case .url(let url): return [("command", nil), ("args", nil), ("url", TOMLOutline.quoted(url))]
        }
    }

    private static func variables(_ environment: [String: String]) -> [String] {
        environment.sorted { $0.key < $1.key }.map { "\(key($0.key)) = \(TOMLOutline.quoted($0.value))" }
    }

    private static func key(_ text: String) -> String {
        text.utf8.allSatisfy { TOMLOutline.isBare($0) } && !text.isEmpty ? text : TOMLOutline.quoted(text)
    }

    private static func edited(
        _ bytes: [UInt8], _ outline: TOMLOutline, _ own: [TOMLOutline.Statement], _ header: TOMLOutline.Statement,
        _ entry: ServerEntry
    ) -> [UInt8] {
        var changes: [(range: Range<Int>, text: String)] = []
        var added: [String] = []
        func set(_ path: [String], _ value: String?, in lines: inout [String]) {
            let old = own.first { !$0.isHeader && $0.path == path }
            switch (old, value) {
            case (let old?, let value?):
                if !says(outline, old.value, value) { changes.append((old.value, value)) }
            case (let old?, nil): changes.append((old.range, ""))
            case (nil, let value?): lines.append("\(key(path[path.count - 1])) = \(value)")
            case (nil, nil): break
            }
        }
        for (name, value) in wanted(entry) { set(header.path + [name], value, in: &added) }
        if case .command(_, _, let environment) = entry.way, !environment.isEmpty {
            let place = header.path + ["env"]
            var lines: [String] = []
            let isInline = own.contains { !$0.isHeader && $0.path == place }
            // Variables that somebody wrote in one line are theirs.
            if !isInline {
                for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
                    set(place + [name], TOMLOutline.quoted(value), in: &lines)
                }
                if let table = own.first(where: { $0.isHeader && $0.path == place }) {
                    insert(lines, after: table, bytes, &changes)
                } else {
                    added += lines.map { "env.\($0)" }
                }
            }
        }
        insert(added, after: header, bytes, &changes)
        var result = bytes
        for change in changes.sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) {
            result.replaceSubrange(change.range, with: Array(change.text.utf8))
        }
        return result
    }

    private static func insert(
        _ lines: [String], after header: TOMLOutline.Statement, _ bytes: [UInt8],
        _ changes: inout [(range: Range<Int>, text: String)]
    ) {
        guard !lines.isEmpty else { return }
        let end = header.range.upperBound
        let start = end > 0 && bytes[end - 1] != 0x0A ? "\n" : ""
        changes.append((end..<end, start + lines.joined(separator: "\n") + "\n"))
    }

    /// Whether a value says the same, however it is written.
    private static func says(_ outline: TOMLOutline, _ range: Range<Int>, _ value: String) -> Bool {
        guard let other = try? TOMLOutline(Array("x = \(value)".utf8), path: "") else { return false }
        let wanted = other.statements[0].value
        if let text = outline.text(range) { return text == other.text(wanted) }
        if let texts = outline.texts(range) { return texts == other.texts(wanted) }
        return false
    }
}
