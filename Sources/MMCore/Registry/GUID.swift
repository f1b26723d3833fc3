/// The format of app, tenant and object ids.
package enum GUID {
    /// Returns whether a text is a GUID: groups of 8, 4, 4, 4 and 12 hexadecimal digits.
    package static func isValid(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 36 else { return false }
        for (index, byte) in bytes.enumerated() {
            switch index {
            case 8, 13, 18, 23:
                guard byte == UInt8(ascii: "-") else { return false }
            default:
                switch byte {
                case 0x30...0x39, 0x41...0x46, 0x61...0x66: continue
                default: return false
                }
            }
        }
        return true
    }
}
