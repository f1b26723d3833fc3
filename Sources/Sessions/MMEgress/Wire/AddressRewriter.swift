/// Puts one address in the place of another in a text that comes in pieces: a stand-in names itself in its answers, and
/// programs go on at the address that they know.
struct AddressRewriter {
    private let old: [UInt8]
    private let new: [UInt8]
    /// The end of the last piece, which may be the beginning of an address.
    private var rest: [UInt8] = []

    /// - Parameters:
    ///   - old: the address that is taken out.
    ///   - new: the one that takes its place.
    init(_ old: String, to new: String) {
        self.old = Array(old.utf8)
        self.new = Array(new.utf8)
    }

    /// A text that is there as a whole.
    static func whole(_ text: String, _ old: String, to new: String) -> String {
        var rewriter = AddressRewriter(old, to: new)
        return String(decoding: rewriter.take(Array(text.utf8)) + rewriter.end(), as: UTF8.self)
    }

    /// As much of the text with a further piece as is certain.
    mutating func take(_ piece: [UInt8]) -> [UInt8] {
        let text = rest + piece
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            let left = text.count - index
            if text[index] == old[0] {
                if left < old.count, text[index...].elementsEqual(old.prefix(left)) { break }
                if left >= old.count, text[index..<(index + old.count)].elementsEqual(old) {
                    result += new
                    index += old.count
                    continue
                }
            }
            result.append(text[index])
            index += 1
        }
        rest = Array(text[index...])
        return result
    }

    /// What is left at the text's end.
    mutating func end() -> [UInt8] {
        defer { rest = [] }
        return rest
    }
}
