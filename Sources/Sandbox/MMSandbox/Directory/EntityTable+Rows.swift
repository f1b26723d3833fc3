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
