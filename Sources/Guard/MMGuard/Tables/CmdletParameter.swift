internal import PowerShellSyntax

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
    /// Whether a call can't do without it, in one of its forms at least.
    var isRequired: Bool { flags & 64 != 0 }

    /// Whether the name is this one, given in lower case.
    func isNamed(_ name: String) -> Bool { file.compareFolded(name, with: nameOffset) == 0 }

    /// The parameter as it is bound; the table tells no sets.
    var bindable: BindableParameter {
        BindableParameter(isSwitch: isSwitch, position: position, identity: Int(nameOffset))
    }

    /// How a written name, in lower case, fits name and aliases.
    func fit(_ written: String) -> ParameterFit {
        var written = written
        return written.withUTF8 { short in
            let name = file.bytes(nameOffset)
            let own = Self.fit(short, name[...])
            let aliases = file.bytes(aliasesOffset)
            if own == .name || aliases.isEmpty { return own }
            var best = own
            var start = 0
            while start < aliases.count {
                let end = aliases[start...].firstIndex(of: UInt8(ascii: ",")) ?? aliases.count
                switch Self.fit(short, aliases[start..<end]) {
                case .name, .alias: return .alias
                case .abbreviation: best = .abbreviation
                case .none: break
                }
                start = end + 1
            }
            return best
        }
    }

    private static func fit(
        _ short: UnsafeBufferPointer<UInt8>, _ name: Slice<UnsafeRawBufferPointer>
    ) -> ParameterFit {
        guard short.count <= name.count else { return .none }
        var place = name.startIndex
        for byte in short {
            let own = name[place]
            if byte != (own &- 0x41 < 26 ? own | 0x20 : own) { return .none }
            place += 1
        }
        return short.count == name.count ? .name : .abbreviation
    }
}
