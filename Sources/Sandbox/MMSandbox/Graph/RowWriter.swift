internal import MMCore

/// Writes rows as JSON, directly as bytes.
struct RowWriter: Sendable {
    let kind: EntityKind
    /// The properties to write, each with its quoted name and colon.
    private let columns: [(name: String, user: UserColumn?, label: [UInt8])]
    private let isWhole: Bool
    /// The type to name in each row, if a list holds several.
    let typeName: String?
    /// The columns, where each is one of the common ones of users and nothing precedes them.
    private let layout: UserLayout?

    init(kind: EntityKind, select: [String]?, typeName: String? = nil) {
        self.kind = kind
        self.typeName = typeName
        let wanted = select.flatMap { $0.contains("*") ? nil : $0 }
        isWhole = wanted == nil && kind.selected == nil
        var names = wanted ?? kind.selected ?? kind.properties
        if kind.hasETag || typeName != nil, !names.contains("id") { names.insert("id", at: 0) }
        columns = names.filter { kind.types[$0] != nil }.map { name in
            var label: [UInt8] = []
            JSONWriter.append(name, to: &label)
            label.append(UInt8(ascii: ":"))
            return (name, UserColumn(rawValue: name), label)
        }
        let common = columns.compactMap(\.user)
        layout = common.count == columns.count && typeName == nil ? UserLayout(common) : nil
    }

    /// Appends one row without its closing brace.
    /// - Returns: whether something was written after the brace.
    @discardableResult
    func open(_ record: Record, etag: String?, to bytes: inout [UInt8]) -> Bool {
        if let layout, etag == nil, case .user(let row) = record, row.append(layout, to: &bytes) {
            return !columns.isEmpty
        }
        bytes.append(UInt8(ascii: "{"))
        var first = true
        func separate(_ bytes: inout [UInt8]) {
            if !first { bytes.append(UInt8(ascii: ",")) }
            first = false
        }
        if let type = record.typeName ?? typeName.map({ "#microsoft.graph.\($0)" }) {
            separate(&bytes)
            bytes.append(contentsOf: "\"@odata.type\":\"\(type)\"".utf8)
        }
        if let etag {
            separate(&bytes)
            bytes.append(contentsOf: #""@odata.etag":"#.utf8)
            JSONWriter.append(etag, to: &bytes)
        }
        if isWhole, case .object(let members) = record {
            // Without a selection, an object returns the properties it has, since files and folders differ.
            for (name, value) in members where kind.types[name] != nil {
                separate(&bytes)
                JSONWriter.append(name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                bytes.append(contentsOf: JSONWriter.bytes(value))
            }
            return !first
        }
        for column in columns {
            separate(&bytes)
            bytes.append(contentsOf: column.label)
            record.appendValue(of: column.name, column: column.user, to: &bytes)
        }
        return !first
    }
}
