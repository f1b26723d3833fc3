internal import MMCore
internal import MMGuard

/// Writes rows as JSON, directly as bytes.
struct RowWriter: Sendable {
    let kind: EntityKind
    /// The properties to write, each with its quoted name and colon.
    private let columns: [(name: String, user: UserColumn?, label: [UInt8])]
    /// The selected properties that Graph declares and this tenant's objects lack, with their empty values.
    private let empty: [UInt8]
    private let isWhole: Bool
    /// The properties that aren't written with the row: those that the caller expands follow it.
    private let left: Set<String>
    /// The type to name in each row, if a list holds several.
    let typeName: String?
    /// The columns, where each is one of the common ones of users and nothing precedes them.
    private let layout: UserLayout?

    init(
        kind: EntityKind, select: [String]?, typeName: String? = nil, expanding: [QueryOptions.Expansion] = [],
        inList: Bool = false
    ) {
        self.kind = kind
        let left = Set(expanding.map(\.name)).union(inList && select == nil ? kind.leftInLists : [])
        self.left = left
        self.typeName = typeName
        let wanted = select.flatMap { $0.contains("*") ? nil : $0 }
        isWhole = wanted == nil && kind.selected == nil
        var names = wanted ?? kind.selected ?? kind.properties
        if kind.hasETag || typeName != nil, !names.contains("id") { names.insert("id", at: 0) }
        func label(_ name: String) -> [UInt8] {
            var label: [UInt8] = []
            JSONWriter.append(name, to: &label)
            label.append(UInt8(ascii: ":"))
            return label
        }
        columns = names.filter { kind.types[$0] != nil && !left.contains($0) }.map {
            ($0, UserColumn(rawValue: $0), label($0))
        }
        // Only the directory tells of each property that an object has no value.
        let lacking = kind.isDirectoryObject ? names.filter { kind.types[$0] == nil } : []
        empty = Array(
            lacking.compactMap { kind.declared($0) }.filter { !$0.isNavigation }
                .map { label($0.name) + Array(($0.isCollection ? "[]" : "null").utf8) }.joined(separator: ",".utf8))
        let common = columns.compactMap(\.user)
        layout = common.count == columns.count && typeName == nil && empty.isEmpty ? UserLayout(common) : nil
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
            for (name, value) in members where kind.types[name] != nil && !left.contains(name) {
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
        if !empty.isEmpty {
            separate(&bytes)
            bytes.append(contentsOf: empty)
        }
        return !first
    }
}
