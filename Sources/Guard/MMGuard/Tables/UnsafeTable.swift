/// Rows of one size in constant memory of the program.
///
/// Sendable by hand: nobody writes or frees that memory.
package struct UnsafeTable: @unchecked Sendable {
    private let base: UnsafeRawPointer
    private let size: Int

    /// Rows of so many bytes.
    package init(_ base: UnsafeRawPointer, size: Int) {
        self.base = base
        self.size = size
    }

    /// A number at an offset within a row.
    package func u32(_ row: UInt32, _ column: Int) -> UInt32 {
        base.loadUnaligned(fromByteOffset: Int(row) * size + column, as: UInt32.self)
    }

    /// A number at an offset within a row.
    package func u16(_ row: UInt32, _ column: Int) -> UInt16 {
        base.loadUnaligned(fromByteOffset: Int(row) * size + column, as: UInt16.self)
    }

    /// A number at an offset within a row.
    package func u8(_ row: UInt32, _ column: Int) -> UInt8 {
        base.loadUnaligned(fromByteOffset: Int(row) * size + column, as: UInt8.self)
    }

    /// A number at an offset within a row.
    package func u64(_ row: UInt32, _ column: Int) -> UInt64 {
        base.loadUnaligned(fromByteOffset: Int(row) * size + column, as: UInt64.self)
    }
}
