/// The possible values of an expression when the script runs, as far as the text shows: the kinds of objects, their
/// maximum number, and the exact texts if they are constants.
///
/// All facts are upper bounds: an unknown value may be any number of objects of every kind.
struct ValueFacts: Sendable, Hashable {
    /// The kinds of objects that rules distinguish.
    struct Kinds: OptionSet, Sendable, Hashable {
        let rawValue: UInt8
        /// Texts, numbers and objects of a service.
        static let data = Kinds(rawValue: 1)
        /// Blocks of code, which a filter or a parameter bound from the pipeline runs.
        static let code = Kinds(rawValue: 2)
        /// Files, whose content another command reads.
        static let files = Kinds(rawValue: 4)
        /// Errors, which contain the request with its token.
        static let errors = Kinds(rawValue: 8)
        /// Sign-in contexts, which contain tokens.
        static let contexts = Kinds(rawValue: 16)
        /// Processes, whose command lines and environment hold secrets.
        static let processes = Kinds(rawValue: 32)
        /// Tenants, from which a context can be created.
        static let tenants = Kinds(rawValue: 64)

        static let all: Kinds = [.data, .code, .files, .errors, .contexts, .processes, .tenants]
        /// The kinds whose properties contain tokens and secrets.
        static let secretive: Kinds = [.errors, .contexts, .processes]
    }

    var kinds: Kinds
    /// The maximum number; `many` if it is unknown.
    var count: Int
    /// All possible texts; nil if they are not constants.
    var texts: [String]?
    /// The maximum number of objects in one of them: more than one for a list in a list.
    var each = 1
    /// The maximum number of objects in a property that objects usually have once, such as their name: more than one
    /// for an object that the script itself made, and for a table.
    var held = 1

    /// A number that the text doesn't limit.
    static let many = Int.max
    /// The numbers between which steps are counted. A text may name any number, also one that has no negative.
    static let countable = -999_999...999_999
    private static let mostTexts = 20
    /// The most bytes of a text that is computed from others: one that doubles itself soon fills the memory.
    static let longestComputed = 20_000

    static let nothing = ValueFacts(kinds: [], count: 0, texts: [])
    static let unknown = lists(.all)

    static func text(_ text: String) -> ValueFacts { ValueFacts(kinds: .data, count: 1, texts: [text]) }
    static func data(count: Int = 1) -> ValueFacts { ValueFacts(kinds: .data, count: count, texts: nil) }
    /// Returns the facts about any number of lists, or of objects with lists.
    static func lists(_ kinds: Kinds) -> ValueFacts {
        ValueFacts(kinds: kinds, count: many, texts: nil, each: many, held: many)
    }
    static func of(_ kinds: Kinds, count: Int = many) -> ValueFacts {
        ValueFacts(kinds: kinds, count: count, texts: nil)
    }

    /// Whether nothing is known about the value.
    var isUnknown: Bool { kinds == .all }
    /// Whether it may contain objects with secrets in their properties, although it isn't unknown.
    var isSecretive: Bool { !isUnknown && !kinds.isDisjoint(with: .secretive) }

    /// The facts about one of its objects.
    var single: ValueFacts {
        var one = self
        one.count = min(count, each)
        return one
    }

    /// The same facts without the texts.
    var withoutTexts: ValueFacts {
        var facts = self
        facts.texts = nil
        return facts
    }

    /// The facts about this value as one element of a list.
    var asElement: ValueFacts {
        var element = self
        element.each = max(each, count)
        return element
    }

    /// The facts about an object with this value in a property.
    var asProperty: ValueFacts {
        ValueFacts(kinds: kinds, count: 1, texts: nil, held: max(count, each, held))
    }

    /// The facts about a property.
    /// - Parameters:
    ///   - kinds: what it holds.
    ///   - isOne: whether objects usually have it once.
    func property(_ kinds: Kinds, isOne: Bool) -> ValueFacts {
        ValueFacts(
            kinds: kinds, count: isOne ? Self.product(count, held) : Self.many, texts: nil, each: max(each, held),
            held: held)
    }

    /// Returns the facts about a value that is this one or the other.
    func or(_ other: ValueFacts) -> ValueFacts {
        ValueFacts(
            kinds: kinds.union(other.kinds), count: max(count, other.count), texts: both(other),
            each: max(each, other.each), held: max(held, other.held))
    }

    /// Returns the facts about this value followed by the other.
    func then(_ other: ValueFacts) -> ValueFacts {
        ValueFacts(
            kinds: kinds.union(other.kinds), count: Self.sum(count, other.count), texts: both(other),
            each: max(each, other.each), held: max(held, other.held))
    }

    /// Returns the facts about this value repeated so many times.
    func times(_ factor: Int) -> ValueFacts {
        ValueFacts(kinds: kinds, count: Self.product(count, factor), texts: texts, each: each, held: held)
    }

    /// Returns whether these facts include everything that the other value may be.
    func covers(_ other: ValueFacts) -> Bool {
        guard kinds.isSuperset(of: other.kinds), count >= other.count, each >= other.each, held >= other.held else {
            return false
        }
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
