/// The words that a question may contain, sorted by their bytes, with their positions in the index.
struct SearchWordTable: Sendable {
    static let impactUnit: Float = 4000
    private let file: TableFile
    private let rows: UnsafeTable
    let count: UInt32
    private let postings: UnsafeTable
    private let same: UnsafeTable
    private let sameCount: UInt32
    private let also: UnsafeTable
    private let alsoCount: UInt32
    private let stops: UnsafeTable
    private let stopCount: UInt32
    /// The documents of the index: section 3 of the file.
    let documents: UnsafeTable
    let documentCount: Int

    init(_ file: TableFile) {
        self.file = file
        documents = UnsafeTable(file.section(3), size: 12)
        documentCount = file.sectionLength(3) / 12
        rows = UnsafeTable(file.section(4), size: 20)
        count = UInt32(file.sectionLength(4) / 20)
        postings = UnsafeTable(file.section(5), size: 4)
        same = UnsafeTable(file.section(6), size: 8)
        sameCount = UInt32(file.sectionLength(6) / 8)
        also = UnsafeTable(file.section(7), size: 8)
        alsoCount = UInt32(file.sectionLength(7) / 8)
        stops = UnsafeTable(file.section(8), size: 4)
        stopCount = UInt32(file.sectionLength(8) / 4)
    }

    /// Returns the row of a word.
    func row(of word: String) -> UInt32? { Self.find(word, file, rows, count) }

    /// Returns whether the index itself has a word; others are only in the list of spellings.
    func isIndexed(_ word: String) -> Bool { row(of: word).map { isIndexed($0) } ?? false }

    /// Returns whether the index itself has the word of a row.
    func isIndexed(_ row: UInt32) -> Bool { rows.u16(row, 8) > 0 }

    /// Returns the bytes of a word.
    func bytes(_ row: UInt32) -> UnsafeRawBufferPointer { file.bytes(rows.u32(row, 0)) }

    /// Returns the word of a row.
    func text(_ row: UInt32) -> String { file.string(rows.u32(row, 0)) }

    /// Returns the method that a word asks for; 0 if it asks for none.
    func method(_ row: UInt32) -> UInt8 { rows.u8(row, 10) }

    /// Returns whether a word is a verb.
    func isVerb(_ word: String) -> Bool { row(of: word).map { method($0) != 0 } ?? false }

    /// Returns whether a word carries little meaning.
    func isWeak(_ row: UInt32) -> Bool { rows.u8(row, 11) & 1 != 0 }

    /// Returns the rarity of a word.
    func rarity(_ row: UInt32) -> Float { Float(bitPattern: rows.u32(row, 12)) }

    /// Returns how often the meaning of a word occurs in the index.
    func frequency(_ row: UInt32) -> UInt32 { rows.u32(row, 16) }

    /// Calls `body` for each document that contains a word, with the weight of the word there.
    func forEachPlace(_ row: UInt32, _ body: (_ document: Int, _ impact: Float) -> Void) {
        let first = rows.u32(row, 4)
        for place in first..<first + UInt32(rows.u16(row, 8)) {
            body(Int(postings.u16(place, 0)), Float(postings.u16(place, 2)) / Self.impactUnit)
        }
    }

    /// Returns the index's own word for a spelling of one or more words.
    func target(of spelling: String) -> String? {
        Self.find(spelling, file, same, sameCount).map { file.string(same.u32($0, 4)) }
    }

    /// Returns the additional words that a word stands for.
    func others(of word: String) -> [String] {
        guard let row = Self.find(word, file, also, alsoCount) else { return [] }
        return file.string(also.u32(row, 4)).split(separator: " ").map(String.init)
    }

    /// Returns whether a word, in lower case, is a stop word.
    func isStop(_ word: String) -> Bool { Self.find(word, file, stops, stopCount) != nil }

    /// A word of a text, without its ending, and what the index knows of it.
    struct Word {
        let text: String
        let isStop: Bool
        /// The index's own word for this one.
        let target: String?
        /// The spellings of several words that begin with this one.
        let spellings: Range<UInt32>

        /// The word in the spelling of the index; nil for a stop word.
        var token: String? { isStop ? nil : target ?? text }
    }

    /// Looks up a word.
    /// - Parameters:
    ///   - text: the word without its ending.
    ///   - isStop: whether it is a stop word as it was written.
    func word(_ text: String, isStop: Bool) -> Word {
        Word(text: text, isStop: isStop, target: target(of: text), spellings: spellings(from: text))
    }

    private func spellings(from word: String) -> Range<UInt32> {
        let start = word + " "
        let first = Self.place(of: start, file, same, sameCount)
        var end = first
        while end < sameCount, file.bytes(same.u32(end, 0)).starts(with: start.utf8) { end += 1 }
        return first..<end
    }

    /// Returns the words in the spelling of the index, with the longest spellings replaced first and without stop
    /// words.
    func spelled(_ words: [Word]) -> [String] {
        var tokens: [String] = []
        var place = 0
        while place < words.count {
            if let (target, size) = spelling(at: place, of: words) {
                tokens.append(target)
                place += size
            } else {
                if let token = words[place].token { tokens.append(token) }
                place += 1
            }
        }
        return tokens
    }

    /// Returns the longest spelling of several words that begins at a place, with the number of its words.
    private func spelling(at place: Int, of words: [Word]) -> (target: String, size: Int)? {
        var longest: (row: UInt32, size: Int)?
        for row in words[place].spellings {
            guard let size = size(of: row, at: place, of: words), size > longest?.size ?? 0 else { continue }
            longest = (row, size)
        }
        return longest.map { (file.string(same.u32($0.row, 4)), $0.size) }
    }

    /// Returns the number of words of a spelling; nil if the words at a place are others.
    private func size(of spelling: UInt32, at place: Int, of words: [Word]) -> Int? {
        var rest = file.bytes(same.u32(spelling, 0))[...]
        for (size, word) in words[place...].enumerated() {
            guard rest.starts(with: word.text.utf8) else { return nil }
            rest = rest.dropFirst(word.text.utf8.count)
            if rest.isEmpty { return size + 1 }
            guard rest.removeFirst() == UInt8(ascii: " ") else { return nil }
        }
        return nil
    }

    private static func find(_ text: String, _ file: TableFile, _ table: UnsafeTable, _ count: UInt32) -> UInt32? {
        let place = place(of: text, file, table, count)
        return place < count && file.equals(table.u32(place, 0), text) ? place : nil
    }

    /// Returns the first row whose word is not sorted before a text.
    private static func place(of text: String, _ file: TableFile, _ table: UnsafeTable, _ count: UInt32) -> UInt32 {
        var text = text
        return text.withUTF8 { own in
            var low: UInt32 = 0
            var high = count
            while low < high {
                let middle = (low + high) / 2
                let order = file.compare(UnsafeRawBufferPointer(own), with: table.u32(middle, 0))
                if order > 0 { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }
}
