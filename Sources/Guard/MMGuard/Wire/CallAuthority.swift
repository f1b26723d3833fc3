internal import MMCore

/// The permission with which a call runs: the guard's verdict on its text, and the text as the person who confirmed it
/// saw it.
package struct CallAuthority: Sendable, Hashable {
    /// The decision on the call's text as a whole, before a person confirmed it.
    let decision: GuardDecision
    /// The classes of the call's text.
    let classes: GuardClassSet
    /// Whether a person confirmed the text, or it may run with only a warning.
    let isConfirmed: Bool
    /// Whether the text didn't show everything that the person confirmed.
    let isUnclear: Bool
    /// The number of objects that may be changed although the text doesn't name them; nil for any number.
    let unnamed: Int?
    /// The number of objects that a preview counted, or that the text itself names; nil if they weren't counted.
    let counted: Int?
    /// The classes of the only requests, besides reads, that may be sent to any object; nil for a call with a text.
    let listed: GuardClassSet?
    /// The text that the person saw, in lower case.
    private let shown: [UInt8]

    /// The largest number of objects that counts as few, as in the judgement of texts; more are a change to many.
    package static let fewTargets = 10

    /// Creates the authority of a call that may run.
    /// - Parameters:
    ///   - verdict: the guard's verdict on its text; if it is `ask`, a person has confirmed the text.
    ///   - text: the text with the values of its parameters: everything that the person saw.
    ///   - previewed: the number of objects that a preview counted.
    package init(verdict: Verdict, text: String, previewed: Int? = nil) {
        decision = verdict.decision
        classes = verdict.classes
        isConfirmed = verdict.decision == .ask || !verdict.warnings.isEmpty
        isUnclear = verdict.asking.contains { $0.kind == .dynamic || $0.kind == .unknown }
        shown = Array(text.asciiLowercased.utf8)
        listed = nil
        counted = previewed ?? verdict.counted
        // A text without variables, pipelines and expressions names all objects that it works on.
        let isClosed = !text.utf8.contains(where: Self.isOpening) && !Self.hasSplat(text)
        if let previewed {
            unnamed = previewed
        } else if verdict.asking.contains(where: { $0.rule == "bulk" }) {
            unnamed = nil
        } else {
            unnamed = isClosed ? 0 : Self.fewTargets * max(verdict.asking.count, 1)
        }
    }

    /// Creates the authority of a program without a text: it may read, and send requests of these classes.
    package init(listing classes: GuardClassSet) {
        decision = .allow
        self.classes = classes.union(.read)
        listed = classes
        isConfirmed = true
        isUnclear = false
        unnamed = nil
        counted = nil
        shown = []
    }

    /// Returns whether the listed classes permit a request. A delete is also a write: its stricter class covers both,
    /// but never a plain write.
    func lists(_ wanted: GuardClassSet) -> Bool {
        guard let listed else { return false }
        let wanted = wanted.subtracting(.read)
        return wanted.isSubset(of: listed) || wanted != .write && wanted.subtracting(.write).isSubset(of: listed)
    }

    /// Returns whether the confirmation covers an action of these classes.
    func covers(_ wanted: GuardClassSet) -> Bool {
        isConfirmed && wanted.isSubset(of: mayWrite ? classes.union([.read, .write]) : classes)
    }

    /// Whether it may change anything; returning a secret is no change.
    var mayWrite: Bool { !classes.isSubset(of: [.read, .secret]) }

    /// Returns whether the person saw this name: the text contains it as a whole word.
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

    /// Returns whether a byte begins a variable, a pipeline's next command, an expression or a pattern.
    private static func isOpening(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "$"), UInt8(ascii: "|"), UInt8(ascii: "("), UInt8(ascii: "*"): true
        default: false
        }
    }

    /// Returns whether the text may splat a hashtable: `@name` at the beginning of a word.
    private static func hasSplat(_ text: String) -> Bool {
        var previous = UInt8(ascii: " ")
        for byte in text.utf8 {
            if byte == UInt8(ascii: "@"), previous <= 0x20 || previous == UInt8(ascii: ";") { return true }
            previous = byte
        }
        return false
    }
}

/// The rest of a call's authority: each change to an object that its text doesn't name uses up a part.
struct AuthorityLeft: Sendable {
    let authority: CallAuthority
    private var unnamed: Int?

    init(of authority: CallAuthority) {
        self.authority = authority
        unnamed = authority.unnamed
    }

    /// Uses up what a change needs, if the authority covers it.
    /// - Parameter isNamed: whether the person saw everything that it changes.
    mutating func cover(_ classes: GuardClassSet, isNamed: Bool) -> Bool {
        guard authority.covers(classes) else { return false }
        guard !isNamed, let left = unnamed else { return true }
        guard left > 0 else { return false }
        unnamed = left - 1
        return true
    }
}
