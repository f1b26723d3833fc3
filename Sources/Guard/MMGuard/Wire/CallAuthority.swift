internal import MMCore

/// What a call was let through for: what the guard said of its text, and what a person saw of it who said yes.
package struct CallAuthority: Sendable, Hashable {
    /// The classes of the call's text.
    let classes: GuardClassSet
    /// Whether a person said yes to the text, or it may run with a warning alone.
    let isConfirmed: Bool
    /// Whether what the person said yes to could not be told from the text.
    let isUnclear: Bool
    /// How many things may be changed that the text does not name; nil for any number.
    let unnamed: Int?
    /// How many a preview counted, or the text itself names; nil where nothing was counted.
    let counted: Int?
    /// The classes of requests that alone may be sent besides reads, whatever they work on; nil where a text says it.
    let listed: GuardClassSet?
    /// What the person saw, in lower case.
    private let shown: [UInt8]

    /// The most that is taken for a few, here as in texts: what touches more is a change to many.
    package static let fewTargets = 10

    /// The authority of a call that was let through.
    /// - Parameters:
    ///   - verdict: what the guard said of its text; where that was to ask, a person has said yes.
    ///   - text: the text, and the values for its parameters: all that the person saw.
    ///   - previewed: how many things a preview counted.
    package init(verdict: Verdict, text: String, previewed: Int? = nil) {
        classes = verdict.classes
        isConfirmed = verdict.decision == .ask || !verdict.warnings.isEmpty
        isUnclear = verdict.asking.contains { $0.kind == .dynamic || $0.kind == .unknown }
        shown = Array(text.asciiLowercased.utf8)
        listed = nil
        counted = previewed ?? verdict.counted
        // A text without variables, pipelines and expressions names all that it works on.
        let isClosed = !text.utf8.contains { "$|(*".utf8.contains($0) } && !Self.hasSplat(text)
        if let previewed {
            unnamed = previewed
        } else if verdict.asking.contains(where: { $0.rule == "bulk" }) {
            unnamed = nil
        } else {
            unnamed = isClosed ? 0 : Self.fewTargets * max(verdict.asking.count, 1)
        }
    }

    /// The authority of a program whose requests are known by nothing but what they are: it reads, and sends what is of these
    /// classes.
    package init(listing classes: GuardClassSet) {
        self.classes = classes.union(.read)
        listed = classes
        isConfirmed = true
        isUnclear = false
        unnamed = nil
        counted = nil
        shown = []
    }

    /// Whether it lists what a request is of. A delete writes as well: a stricter class covers that, and never a plain write.
    func lists(_ wanted: GuardClassSet) -> Bool {
        guard let listed else { return false }
        let wanted = wanted.subtracting(.read)
        return wanted.isSubset(of: listed) || wanted != .write && wanted.subtracting(.write).isSubset(of: listed)
    }

    /// Whether what people said yes to holds for something of these classes.
    func covers(_ wanted: GuardClassSet) -> Bool {
        isConfirmed && wanted.isSubset(of: mayWrite ? classes.union([.read, .write]) : classes)
    }

    /// Whether it may change anything: giving out a secret changes nothing.
    var mayWrite: Bool { !classes.isSubset(of: [.read, .secret]) }

    /// Whether the person saw this name: it stands in the text as a whole.
    func shows(_ name: String) -> Bool {
        let wanted = Array(name.asciiLowercased.utf8)
        guard !wanted.isEmpty, wanted.count <= shown.count else { return false }
        var start = 0
        while let found = shown[start...].firstIndex(of: wanted[0]) {
            let end = found + wanted.count
            guard end <= shown.count else { return false }
            let isWhole =
                (found == 0 || !Self.isNameByte(shown[found - 1]))
                && (end == shown.count || !Self.isNameByte(shown[end]))
            if isWhole, shown[found..<end].elementsEqual(wanted) { return true }
            start = found + 1
        }
        return false
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "@"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), 0x80...:
            true
        default: false
        }
    }

    /// Whether a table may be splatted: `@name` where a word begins.
    private static func hasSplat(_ text: String) -> Bool {
        var previous = UInt8(ascii: " ")
        for byte in text.utf8 {
            if byte == UInt8(ascii: "@"), previous <= 0x20 || previous == UInt8(ascii: ";") { return true }
            previous = byte
        }
        return false
    }
}

/// A call's authority, of which each change to what its text doesn't name uses up a little.
struct AuthorityLeft: Sendable {
    let authority: CallAuthority
    private var unnamed: Int?

    init(of authority: CallAuthority) {
        self.authority = authority
        unnamed = authority.unnamed
    }

    /// Takes what a change needs, where that is covered.
    /// - Parameter isNamed: whether the person saw everything that it changes.
    mutating func cover(_ classes: GuardClassSet, isNamed: Bool) -> Bool {
        guard authority.covers(classes) else { return false }
        guard !isNamed, let left = unnamed else { return true }
        guard left > 0 else { return false }
        unnamed = left - 1
        return true
    }
}
