import Glibc

/// The members of a JSON object, in the order they were written.
///
/// Look-up scans up to thirty-two members and uses an index above that. Keys are unique; setting an existing key keeps
/// its position. Keys are compared by their bytes (RFC 8259, section 8.3): `é` as one code point and as two are
/// different keys.
public struct JSONObject: Sendable {
    /// One `"key": value` pair.
    public typealias Member = (key: String, value: JSONValue)

    private static let scanLimit = 32
    private var members: [Member] = []
    // Written as a call: in code optimised for size, an empty literal would look up its types at run time.
    private var index = [ExactKey: Int]()

    /// Creates an object without members.
    public init() {}

    /// Creates an object with these members; a later duplicate replaces the earlier value.
    public init(_ members: some Sequence<(String, JSONValue)>) {
        reserveCapacity(members.underestimatedCount)
        for (key, value) in members { set(key, value) }
    }

    /// The number of members.
    public var count: Int { members.count }
    /// Whether there are no members.
    public var isEmpty: Bool { members.isEmpty }
    /// The keys in order.
    public var keys: [String] { members.map(\.key) }
    /// The values in the order of their keys.
    public var values: [JSONValue] { members.map(\.value) }

    /// Accesses the value for `key`. Setting `nil` removes the member; setting a value keeps the position of an
    /// existing key.
    public subscript(key: String) -> JSONValue? {
        get { position(of: key).map { members[$0].value } }
        set {
            if let newValue { set(key, newValue) } else { remove(key) }
        }
    }

    /// Sets a member, at its position if the key exists and otherwise at the end.
    /// - Parameters:
    ///   - key: the key.
    ///   - value: the value.
    /// - Returns: whether the key already existed.
    @discardableResult
    public mutating func set(_ key: String, _ value: JSONValue) -> Bool {
        if let position = position(of: key) {
            members[position].value = value
            return true
        }
        members.append((key, value))
        if members.count == Self.scanLimit + 1 {
            buildIndex()
        } else if members.count > Self.scanLimit {
            index[ExactKey(key)] = members.count - 1
        }
        return false
    }

    /// Returns an object with the same keys in the same order.
    /// - Parameter change: returns the new value of a member.
    package func mapValues(_ change: (_ key: String, _ value: JSONValue) -> JSONValue) -> JSONObject {
        var changed = self
        for place in members.indices {
            changed.members[place].value = change(members[place].key, members[place].value)
        }
        return changed
    }

    /// Reserves capacity for `count` members.
    mutating func reserveCapacity(_ count: Int) {
        members.reserveCapacity(count)
    }

    /// Removes a member and returns its value; returns `nil` if there is none.
    @discardableResult
    public mutating func remove(_ key: String) -> JSONValue? {
        guard let position = position(of: key) else { return nil }
        let value = members.remove(at: position).value
        index = [ExactKey: Int]()
        if members.count > Self.scanLimit { buildIndex() }
        return value
    }

    private mutating func buildIndex() {
        index.reserveCapacity(members.count * 2)
        for (position, member) in members.enumerated() { index[ExactKey(member.key)] = position }
    }

    private func position(of key: String) -> Int? {
        if members.count > Self.scanLimit { return index[ExactKey(key)] }
        // Through a buffer, because a closure would be given a copy of each member.
        return members.withUnsafeBufferPointer { members in
            members.indices.first { ExactKey.same(members[$0].key, key) }
        }
    }
}

extension JSONObject: RandomAccessCollection {
    /// The first member's position.
    public var startIndex: Int { 0 }
    /// The position past the last member.
    public var endIndex: Int { members.count }
    /// Accesses the member at a position.
    public subscript(position: Int) -> Member { members[position] }
}

extension JSONObject: Hashable {
    /// Returns whether both hold the same members; order isn't significant (RFC 8259, section 4).
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        // The order is nearly always the same too, which saves the look-up.
        for (place, member) in left.members.enumerated() {
            let other = right.members[place]
            let value = ExactKey.same(other.key, member.key) ? other.value : right[member.key]
            if value != member.value { return false }
        }
        return true
    }

    /// Hashes the members regardless of order.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        var mixed = 0
        for (key, value) in self {
            var member = Hasher()
            member.combine(ExactKey(key))
            member.combine(value)
            mixed ^= member.finalize()
        }
        hasher.combine(mixed)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// Creates an object with its members in the order written.
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}

/// A text compared by its bytes, because `String` treats canonically equivalent texts as equal: a Greek question mark
/// (U+037E) as the semicolon that ends a statement.
package struct ExactKey: Hashable, Sendable {
    private let text: String

    package init(_ text: String) {
        self.text = text
    }

    static func same(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        let isSame = left.utf8.withContiguousStorageIfAvailable { left in
            right.utf8.withContiguousStorageIfAvailable { right in
                guard let first = left.baseAddress, let second = right.baseAddress else { return true }
                return memcmp(first, second, left.count) == 0
            }
        }
        return (isSame ?? nil) ?? left.utf8.elementsEqual(right.utf8)
    }

    package static func == (left: ExactKey, right: ExactKey) -> Bool { same(left.text, right.text) }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
