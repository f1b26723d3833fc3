import Glibc

/// A text compared by its bytes, because `String` treats canonically equivalent texts as equal: a Greek question mark (U+037E) as the
/// semicolon that ends a statement.
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
