internal import MMCore

/// A collection: generated rows, overlaid with the additions, changes and deletions since the start.
struct EntityTable: Sendable {
    /// A row that was written.
    private struct Written: Sendable {
        var record: Record
        var version: Int
    }

    /// A change, for delta queries.
    struct Change: Sendable {
        let sequence: Int
        let id: String
        let isRemoval: Bool
    }

    let kind: EntityKind
    /// Whether added rows come first, as in a mailbox.
    let newestFirst: Bool
    private let baseCount: Int
    private let base: @Sendable (Int) -> Record
    private let baseIndex: @Sendable (String) -> Int?
    private var changed: [Int: Written] = [:]
    private var removed: Set<Int> = []
    private var added: [String: Written] = [:]
    private var addedOrder: [String] = []
    private var names: [String: String] = [:]
    private(set) var changes: [Change] = []

    /// Creates a collection.
    /// - Parameters:
    ///   - kind: the type of its rows.
    ///   - count: the initial number of rows.
    ///   - newestFirst: whether added rows come first.
    ///   - base: returns the row at an index.
    ///   - index: returns the index of an id or another key.
    init(
        _ kind: EntityKind, count: Int = 0, newestFirst: Bool = false,
        base: @escaping @Sendable (Int) -> Record = { _ in .object([:]) },
        index: @escaping @Sendable (String) -> Int? = { _ in nil }
    ) {
        self.kind = kind
        self.baseCount = count
        self.newestFirst = newestFirst
        self.base = base
        self.baseIndex = index
    }

    /// Creates a collection with these rows.
    init(_ kind: EntityKind, rows: [JSONObject], newestFirst: Bool = false) {
        self.init(
            kind, count: rows.count, newestFirst: newestFirst, base: { .object(rows[$0]) },
            index: { key in rows.firstIndex { $0["id"]?.string == key } })
    }

    /// The number of rows.
    var count: Int { baseCount - removed.count + added.count }

    /// Passes the rows in order to `body` until it returns `false`.
    func scan(skipping: Int = 0, _ body: (Record) -> Bool) {
        var left = skipping
        if newestFirst {
            for id in addedOrder.reversed() {
                if left > 0 {
                    left -= 1
                } else if let written = added[id], !body(written.record) {
                    return
                }
            }
        }
        var index = 0
        if removed.isEmpty {
            index = min(left, baseCount)
            left -= index
        }
        while index < baseCount {
            defer { index += 1 }
            if !removed.isEmpty {
                if removed.contains(index) { continue }
                if left > 0 {
                    left -= 1
                    continue
                }
            }
            if !body(changed[index]?.record ?? base(index)) { return }
        }
        guard !newestFirst else { return }
        for id in addedOrder {
            if left > 0 {
                left -= 1
            } else if let written = added[id], !body(written.record) {
                return
            }
        }
    }

    /// Returns the row with an id or another key.
    func find(_ key: String) -> Record? {
        switch place(of: key) {
        case .added(let id): added[id]?.record
        case .base(let index): changed[index]?.record ?? base(index)
        case nil: nil
        }
    }

    /// Returns how often the row was written; 0 for one that never was.
    func version(of key: String) -> Int {
        switch place(of: key) {
        case .added(let id): added[id]?.version ?? 0
        case .base(let index): changed[index]?.version ?? 0
        case nil: 0
        }
    }

    /// Adds a row.
    mutating func insert(_ members: JSONObject, sequence: Int) {
        let id = members["id"]?.string ?? ""
        added[id.lowercased()] = Written(record: .object(members), version: 1)
        addedOrder.append(id.lowercased())
        note(names: members, id: id)
        changes.append(Change(sequence: sequence, id: id, isRemoval: false))
    }

    /// Replaces a row; nothing happens when there is none.
    mutating func replace(_ key: String, with members: JSONObject, sequence: Int) {
        guard let place = place(of: key) else { return }
        let written = Written(record: .object(members), version: version(of: key) + 1)
        switch place {
        case .added(let id): added[id] = written
        case .base(let index): changed[index] = written
        }
        let id = members["id"]?.string ?? key
        names = names.filter { $0.value != id.lowercased() }
        note(names: members, id: id)
        changes.append(Change(sequence: sequence, id: id, isRemoval: false))
    }

    /// Deletes a row.
    /// - Returns: the deleted row.
    @discardableResult
    mutating func remove(_ key: String, sequence: Int) -> Record? {
        guard let place = place(of: key), let record = find(key) else { return nil }
        switch place {
        case .added(let id):
            added[id] = nil
            addedOrder.removeAll { $0 == id }
        case .base(let index):
            changed[index] = nil
            removed.insert(index)
        }
        names = names.filter { $0.value != record.id.lowercased() }
        changes.append(Change(sequence: sequence, id: record.id, isRemoval: true))
        return record
    }

    private enum Place {
        case base(Int)
        case added(String)
    }

    private static let keys = ["userPrincipalName", "appId", "roleTemplateId"]

    private func place(of key: String) -> Place? {
        let small = key.lowercased()
        if added[small] != nil { return .added(small) }
        if let id = names[small] {
            if added[id] != nil { return .added(id) }
            if let index = baseIndex(id), !removed.contains(index) { return .base(index) }
        }
        guard let index = baseIndex(key), index < baseCount, !removed.contains(index) else { return nil }
        guard let written = changed[index] else { return .base(index) }
        // A renamed row is no longer found under its old name.
        let answers =
            written.record.id == key || written.record.id.lowercased() == small
            || Self.keys.contains { written.record[$0]?.string?.lowercased() == small }
        return answers ? .base(index) : nil
    }

    private mutating func note(names members: JSONObject, id: String) {
        for key in Self.keys {
            if let name = members[key]?.string { names[name.lowercased()] = id.lowercased() }
        }
    }
}

extension EntityTable {
    /// The first row.
    var first: Record? {
        var first: Record?
        scan { record in
            first = record
            return false
        }
        return first
    }

    /// All rows.
    var all: [Record] {
        var all: [Record] = []
        scan { record in
            all.append(record)
            return true
        }
        return all
    }
}
