/// What a value may be when the script runs, as far as its text tells: the kinds of things among it, how many there are
/// at most, and the very texts where they are constants.
///
/// Everything is "may": what is not known is every kind of thing, any number of times.
struct ValueFacts: Sendable, Hashable {
    /// Kinds of things that a rule asks about.
    struct Kinds: OptionSet, Sendable, Hashable {
        let rawValue: UInt8
        /// Texts, numbers and objects of a service.
        static let data = Kinds(rawValue: 1)
        /// Blocks of code, which a filter or a parameter bound from the pipeline runs.
        static let code = Kinds(rawValue: 2)
        /// Files, whose content another command reads.
        static let files = Kinds(rawValue: 4)
        /// Errors, which keep the request with its token.
        static let errors = Kinds(rawValue: 8)
        /// Sign-ins, which keep tokens.
        static let contexts = Kinds(rawValue: 16)
        /// Processes, whose command lines and environment hold secrets.
        static let processes = Kinds(rawValue: 32)
        /// Tenants, which a context can be made of.
        static let tenants = Kinds(rawValue: 64)

        static let all: Kinds = [.data, .code, .files, .errors, .contexts, .processes, .tenants]
        /// Things with properties that hold tokens and secrets.
        static let secretive: Kinds = [.errors, .contexts, .processes]
    }

    var kinds: Kinds
    /// How many at most; `many` when nobody knows.
    var count: Int
    /// All the texts that it can be; nil when they are not constants.
    var texts: [String]?

    /// More than anybody can count from the text.
    static let many = Int.max
    private static let mostTexts = 20

    static let nothing = ValueFacts(kinds: [], count: 0, texts: [])
    static let unknown = ValueFacts(kinds: .all, count: many, texts: nil)

    static func text(_ text: String) -> ValueFacts { ValueFacts(kinds: .data, count: 1, texts: [text]) }
    static func data(count: Int = 1) -> ValueFacts { ValueFacts(kinds: .data, count: count, texts: nil) }
    static func of(_ kinds: Kinds, count: Int = many) -> ValueFacts {
        ValueFacts(kinds: kinds, count: count, texts: nil)
    }

    /// Whether nothing at all is known.
    var isUnknown: Bool { kinds == .all }
    /// Whether it is known to hold, or to perhaps hold, things with secrets in their properties.
    var isSecretive: Bool { !isUnknown && !kinds.isDisjoint(with: .secretive) }

    /// One of its things.
    var single: ValueFacts { ValueFacts(kinds: kinds, count: min(count, 1), texts: texts) }

    /// This or the other.
    func or(_ other: ValueFacts) -> ValueFacts {
        ValueFacts(kinds: kinds.union(other.kinds), count: max(count, other.count), texts: both(other))
    }

    /// This and then the other.
    func then(_ other: ValueFacts) -> ValueFacts {
        ValueFacts(
            kinds: kinds.union(other.kinds), count: Self.sum(count, other.count), texts: both(other))
    }

    /// This so many times.
    func times(_ factor: Int) -> ValueFacts {
        ValueFacts(kinds: kinds, count: Self.product(count, factor), texts: texts)
    }

    /// Whether all that the other may be, this may be too.
    func covers(_ other: ValueFacts) -> Bool {
        guard kinds.isSuperset(of: other.kinds), count >= other.count else { return false }
        guard let texts else { return true }
        return other.texts?.allSatisfy(texts.contains) ?? false
    }

    private func both(_ other: ValueFacts) -> [String]? {
        guard let texts, let more = other.texts, texts.count + more.count <= Self.mostTexts else { return nil }
        if more.isEmpty || texts.isEmpty { return more.isEmpty ? texts : more }
        return texts + more.filter { !texts.contains($0) }
    }

    static func sum(_ left: Int, _ right: Int) -> Int {
        let (result, isTooMuch) = left.addingReportingOverflow(right)
        return isTooMuch ? many : result
    }

    static func product(_ left: Int, _ right: Int) -> Int {
        let (result, isTooMuch) = left.multipliedReportingOverflow(by: right)
        return isTooMuch ? many : result
    }
}
