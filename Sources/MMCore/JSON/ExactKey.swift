/// A key compared by its bytes, because `String` treats canonically equivalent texts as equal.
struct ExactKey: Hashable {
    private let text: String

    init(_ text: String) {
        self.text = text
    }

    static func same(_ left: String, _ right: String) -> Bool {
        // The length check is cheap, and `==` decides almost every other case before the bytes need comparing.
        left.utf8.count == right.utf8.count && left == right && left.utf8.elementsEqual(right.utf8)
    }

    static func == (left: ExactKey, right: ExactKey) -> Bool { same(left.text, right.text) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
