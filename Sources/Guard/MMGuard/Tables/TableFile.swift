import Glibc

/// A table that is compiled into the program and read in place: a magic word, then sections. The first section is the
/// string pool; its offset 0 is the empty string. All numbers are little-endian. The programs below Tools write the
/// tables.
///
/// Sendable by hand: the pointer is to constant data of the program image, which is never written or freed.
package struct TableFile: @unchecked Sendable {
    private let base: UnsafeRawPointer
    private let pool: UnsafeRawPointer

    /// Creates the table at these bytes, which must be constant data of the program.
    package init(_ bytes: UnsafeRawPointer, length: Int, magic: StaticString) {
        base = bytes
        precondition(
            length > 16 && magic.utf8CodeUnitCount == 4
                && base.loadUnaligned(as: UInt32.self)
                    == UnsafeRawPointer(magic.utf8Start).loadUnaligned(as: UInt32.self),
            "a table compiled into the program has another form than its reader: run the program below Tools that writes it"
        )
        pool = base + Int(base.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    }

    /// Returns the start of a section.
    package func section(_ index: Int) -> UnsafeRawPointer {
        base + Int(base.loadUnaligned(fromByteOffset: 8 + 8 * index, as: UInt32.self))
    }

    /// Returns the length of a section in bytes.
    package func sectionLength(_ index: Int) -> Int {
        Int(base.loadUnaligned(fromByteOffset: 12 + 8 * index, as: UInt32.self))
    }

    /// Returns the bytes of a pooled string.
    package func bytes(_ offset: UInt32) -> UnsafeRawBufferPointer {
        let start = pool + Int(offset)
        return UnsafeRawBufferPointer(start: start + 2, count: Int(start.loadUnaligned(as: UInt16.self)))
    }

    /// Returns a pooled string.
    package func string(_ offset: UInt32) -> String {
        String(decoding: bytes(offset), as: UTF8.self)
    }

    /// Returns whether a pooled string has exactly these bytes.
    func equals(_ offset: UInt32, _ text: String) -> Bool {
        compare(text, with: offset) == 0
    }

    /// Returns a negative number, zero or a positive number as `text` sorts before, at or after the pooled string, by
    /// bytes.
    func compare(_ text: String, with offset: UInt32) -> Int {
        var text = text
        return text.withUTF8 { compare(UnsafeRawBufferPointer($0), with: offset) }
    }

    /// Returns the same for the bytes of a text.
    func compare(_ own: UnsafeRawBufferPointer, with offset: UInt32) -> Int {
        let pooled = bytes(offset)
        guard let left = own.baseAddress, let right = pooled.baseAddress else { return own.count - pooled.count }
        let order = memcmp(left, right, min(own.count, pooled.count))
        return order == 0 ? own.count - pooled.count : Int(order)
    }
}

extension TableFile {
    /// Compares like `compare`, for a text in lower case and the pooled string without case.
    package func compareFolded(_ text: String, with offset: UInt32) -> Int {
        let pooled = bytes(offset)
        var text = text
        return text.withUTF8 { own in
            for position in 0..<min(own.count, pooled.count) {
                let byte = pooled[position]
                let folded = (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
                if own[position] != folded { return Int(own[position]) - Int(folded) }
            }
            return own.count - pooled.count
        }
    }
}
