internal import CGuardTables

/// A table of programs in a shell: a text of lines `PROGRAMS: FACT; FACT`. An indented line continues the one before
/// it.
///
/// Only the names are read at first, because a verdict needs a few of several thousand rows.
struct ShellTable: Sendable {
    private let file: @Sendable () -> CGuardTable
    /// Where the facts about each program are, in their order.
    private let places: [String: [Range<Int>]]

    /// The programs whose words or input contain commands, and those with options that do more than read.
    static let texts = ShellTable(cguard_shell_texts).facts

    init(_ file: @escaping @Sendable () -> CGuardTable) {
        self.file = file
        var places: [String: [Range<Int>]] = [:]
        var programs: [String] = []
        let bytes = Self.bytes(file())
        for line in bytes.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") {
            guard line.first != UInt8(ascii: " "), let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
                for program in programs {
                    if let place = places[program]?.popLast() {
                        places[program]?.append(place.lowerBound..<line.endIndex)
                    }
                }
                continue
            }
            programs = Self.words(line[..<colon])
            for program in programs { places[program, default: []].append(colon + 1..<line.endIndex) }
        }
        self.places = places
    }

    /// Returns the facts about a program, each a list of words, in their order.
    subscript(program: String) -> [[String]]? {
        guard let places = places[program] else { return nil }
        let bytes = Self.bytes(file())
        return places.flatMap { place in
            bytes[place].split(separator: UInt8(ascii: ";")).map(Self.words).filter { !$0.isEmpty }
        }
    }

    /// The facts about all programs.
    var facts: [String: [[String]]] {
        Dictionary(uniqueKeysWithValues: places.keys.map { ($0, self[$0] ?? []) })
    }

    private static func bytes(_ file: CGuardTable) -> UnsafeBufferPointer<UInt8> {
        UnsafeRawBufferPointer(start: file.bytes, count: file.length).bindMemory(to: UInt8.self)
    }

    private static func words(_ part: Slice<UnsafeBufferPointer<UInt8>>) -> [String] {
        part.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.map { String(decoding: $0, as: UTF8.self) }
    }
}
