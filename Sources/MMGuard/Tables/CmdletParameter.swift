/// A parameter of a cmdlet. Its names stay in the table until somebody asks.
struct CmdletParameter: Sendable {
    let file: TableFile
    let nameOffset: UInt32
    private let aliasesOffset: UInt32
    /// The place without a name; -1 for none.
    let position: Int
    private let flags: UInt8

    init(file: TableFile, nameOffset: UInt32, aliasesOffset: UInt32, position: Int, flags: UInt8) {
        self.file = file
        self.nameOffset = nameOffset
        self.aliasesOffset = aliasesOffset
        self.position = position
        self.flags = flags
    }

    /// The name, as documented.
    var name: String { file.string(nameOffset) }
    /// Whether it takes no value.
    var isSwitch: Bool { flags & 1 != 0 }
    /// Whether a value may come through the pipeline.
    var takesPipeline: Bool { flags & 2 != 0 }
    /// Whether its value names a variable that is written.
    var writesVariable: Bool { flags & 4 != 0 }
    /// Whether every cmdlet has it.
    var isCommon: Bool { flags & 8 != 0 }
    /// Whether its value is a block that the cmdlet runs.
    var takesBlock: Bool { flags & 16 != 0 }
    /// Whether it takes several values at once.
    var takesMany: Bool { flags & 32 != 0 }
    /// Whether a call can't do without it, in one of its forms at least.
    var isRequired: Bool { flags & 64 != 0 }

    /// Whether the name is this one, given in lower case.
    func isNamed(_ name: String) -> Bool { file.compareFolded(name, with: nameOffset) == 0 }

    /// How a written name (in lower case) fits: exactly, as an abbreviation, or not at all. Aliases count alike.
    func fit(_ written: String) -> Fit {
        let own = fit(written, file.bytes(nameOffset)[...])
        let aliases = file.bytes(aliasesOffset)
        if own == .exact || aliases.isEmpty { return own }
        var best = own
        for alias in aliases.split(separator: UInt8(ascii: ",")) {
            switch fit(written, alias) {
            case .exact: return .exact
            case .abbreviation: best = .abbreviation
            case .none: break
            }
        }
        return best
    }

    /// See `fit(_:)`.
    enum Fit: Sendable {
        case exact, abbreviation, none
    }

    private func fit(_ written: String, _ name: Slice<UnsafeRawBufferPointer>) -> Fit {
        var written = written
        return written.withUTF8 { short in
            guard short.count <= name.count else { return .none }
            for (own, byte) in zip(short, name) {
                let folded = (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
                if own != folded { return .none }
            }
            return short.count == name.count ? .exact : .abbreviation
        }
    }
}
