/// A table of keywords or dash operators by their ASCII spelling, ignoring case.
struct WordTable: Sendable {
    /// A word of up to sixteen letters, packed into two integers.
    private struct Key: Hashable {
        var low: UInt64 = 0
        var high: UInt64 = 0
    }

    /// An open-addressing hash table whose size is a power of two.
    private let slots: [(key: Key, kind: TokenKind)]
    private let mask: Int
    private let longest: Int

    private init(_ kinds: [String: TokenKind]) {
        longest = kinds.keys.map(\.utf8.count).max() ?? 0
        mask = 255
        var slots = [(key: Key, kind: TokenKind)](repeating: (Key(), .unknown), count: mask + 1)
        for (word, kind) in kinds {
            guard let key = WordTable.key(Array(word.utf16)[...]) else { continue }
            var index = WordTable.hash(key) & mask
            while slots[index].kind != .unknown { index = (index + 1) & mask }
            slots[index] = (key, kind)
        }
        self.slots = slots
    }

    @inline(__always)
    private static func key(_ units: ArraySlice<UInt16>) -> Key? {
        var key = Key()
        var shift: UInt64 = 0
        for unit in units {
            let lower = ASCIIFold.lower(unit)
            guard lower &- 0x61 < 26 else { return nil }
            if shift < 64 {
                key.low |= UInt64(lower) << shift
            } else {
                key.high |= UInt64(lower) << (shift - 64)
            }
            shift += 8
        }
        return key
    }

    @inline(__always)
    private static func hash(_ key: Key) -> Int {
        Int(truncatingIfNeeded: ((key.low ^ key.high &* 31) &* 0x9E37_79B9_7F4A_7C15) >> 40)
    }

    /// Returns the kind of a word; `nil` when the table doesn't contain it.
    func kind(of units: ArraySlice<UInt16>) -> TokenKind? {
        guard !units.isEmpty, units.count <= longest, let key = WordTable.key(units) else { return nil }
        var index = WordTable.hash(key) & mask
        while slots[index].kind != .unknown {
            if slots[index].key == key { return slots[index].kind }
            index = (index + 1) & mask
        }
        return nil
    }

    /// The reserved words.
    static let keywords = WordTable([
        "elseif": .elseif, "if": .if, "else": .else, "switch": .switch, "foreach": .foreach, "from": .from,
        "in": .in, "for": .for, "while": .while, "until": .until, "do": .do, "try": .try, "catch": .catch,
        "finally": .finally, "trap": .trap, "data": .data, "return": .return, "continue": .continue,
        "break": .break, "exit": .exit, "throw": .throw, "begin": .begin, "process": .process, "end": .end,
        "dynamicparam": .dynamicparam, "function": .function, "filter": .filter, "param": .param, "class": .class,
        "define": .define, "var": .var, "using": .using, "workflow": .workflow, "parallel": .parallel,
        "sequence": .sequence, "configuration": .configuration, "public": .public, "private": .private,
        "static": .static, "interface": .interface, "enum": .enum, "namespace": .namespace, "module": .module,
        "type": .type, "assembly": .assembly, "command": .command, "hidden": .hidden, "base": .base,
        "default": .default, "clean": .clean,
    ])

    /// The operators that start with a dash, listed without it.
    static let operators: WordTable = {
        var kinds: [String: TokenKind] = [
            "bnot": .bnot, "not": .not, "isnot": .isNotType, "is": .isType, "as": .asType, "f": .format, "and": .and,
            "band": .band, "or": .or, "bor": .bor, "xor": .xor, "bxor": .bxor, "join": .join, "shl": .shl, "shr": .shr,
        ]
        let variants: [(String, TokenKind, TokenKind)] = [
            ("eq", .ieq, .ceq), ("ne", .ine, .cne), ("ge", .ige, .cge), ("gt", .igt, .cgt), ("lt", .ilt, .clt),
            ("le", .ile, .cle), ("like", .ilike, .clike), ("notlike", .inotlike, .cnotlike),
            ("match", .imatch, .cmatch), ("notmatch", .inotmatch, .cnotmatch), ("replace", .ireplace, .creplace),
            ("contains", .icontains, .ccontains), ("notcontains", .inotcontains, .cnotcontains),
            ("in", .iin, .cin), ("notin", .inotin, .cnotin), ("split", .isplit, .csplit),
        ]
        for (name, plain, cased) in variants {
            kinds[name] = plain
            kinds["i" + name] = plain
            kinds["c" + name] = cased
        }
        return WordTable(kinds)
    }()
}
