extension GraphPathTable {
    /// The parts of the permission data, in the numbers of the table.
    enum Section: UInt8, Sendable {
        case v1 = 0
        case other = 1
        case beta = 2
    }

    /// The least permissions of a path and method in one part of the data; nil when it has no entry.
    func permissions(_ steps: [PathStep], method: UInt16, section: Section) -> LeastPermissions? {
        let template = chain([], steps[...]) { !$0.isDisjoint(with: [.v1, .beta]) ? true : nil }
        var found: LeastPermissions?
        _ = chain([], steps[...]) { (_: Kinds, node: UInt32, path: [Bool]) -> Bool? in
            guard let set = set(of: node, method: method, section: section) else { return nil }
            // A key where the template has a literal is another call.
            if let template, zip(template, path).contains(where: { !$0 && $1 }) { return nil }
            found = least(set)
            return true
        }
        return found
    }

    /// Whether each step went over a key, along the first path that `accepts` takes.
    private func chain(_ taken: [Bool], _ steps: ArraySlice<PathStep>, accepts: (Kinds) -> Bool?) -> [Bool]? {
        chain(taken, steps) { kinds, _, _ in accepts(kinds) }
    }

    private func chain(
        _ taken: [Bool], _ steps: ArraySlice<PathStep>, node: UInt32 = 0,
        accepts: (Kinds, UInt32, [Bool]) -> Bool?
    ) -> [Bool]? {
        guard let step = steps.first else {
            return accepts(Kinds(rawValue: nodes.u8(node, 22)), node, taken) == nil ? nil : taken
        }
        for name in spellings(of: step) {
            guard let child = child(of: node, named: name.text) else { continue }
            if let found = chain(taken + [false], steps.dropFirst(), node: child, accepts: accepts) { return found }
        }
        let key = nodes.u32(node, 12)
        guard key != 0, step.isKeyLike else { return nil }
        return chain(taken + [true], steps.dropFirst(), node: key, accepts: accepts)
    }

    private func set(of node: UInt32, method: UInt16, section: Section) -> UInt16? {
        let rows = UnsafeTable(file.section(3), size: 4)
        let first = nodes.u32(node, 16)
        for row in first..<first + UInt32(nodes.u16(node, 24))
        where rows.u8(row, 0) == section.rawValue && UInt16(rows.u8(row, 1)) & method != 0 {
            return rows.u16(row, 2)
        }
        return nil
    }

    private func least(_ set: UInt16) -> LeastPermissions {
        let sets = UnsafeTable(file.section(4), size: 8)
        let row = UInt32(set)
        return LeastPermissions(
            work: names(sets.u16(row, 0)), personal: names(sets.u16(row, 2)), application: names(sets.u16(row, 4)))
    }

    private func names(_ scheme: UInt16) -> [String]? {
        guard scheme != 0xffff else { return nil }
        let schemes = UnsafeTable(file.section(5), size: 2)
        let names = UnsafeTable(file.section(6), size: 4)
        let start = UInt32(scheme)
        return (0..<UInt32(schemes.u16(start, 0))).map { index in
            file.string(names.u32(UInt32(schemes.u16(start + 1 + index, 0)), 0))
        }
    }
}
