import CQRCode
import MMCore
import MMHTTP

/// A text as a QR code, for the page to draw: a phone opens a sign-in's address by it.
enum QRCodeRoute {
    /// Returns width and modules, line by line, `1` for a dark one; both empty where there is no code of it.
    static func answer(for text: String) -> JSONObject {
        var modules = [UInt8](repeating: 0, count: 177 * 177)
        let width = text.utf8.count > 300 ? 0 : Int(mm_qr_encode(text, &modules, modules.count))
        let bits = modules.prefix(width * width).map { $0 & 1 == 1 ? UInt8(ascii: "1") : UInt8(ascii: "0") }
        return ["width": .int(Int64(width)), "modules": .string(String(decoding: bits, as: UTF8.self))]
    }
}
