package import MMCore

/// A piece of a command's output, as a row of a streamed answer: `{"stdout": "…"}`. Bytes that aren't UTF-8, and those
/// that as text would be longer, are encoded as Base64.
package struct CommandPiece: Sendable, Hashable {
    /// Whether it comes from the command's standard error instead of its standard output.
    package var isError: Bool
    /// The bytes.
    package var bytes: [UInt8]

    /// Creates a piece.
    package init(_ bytes: [UInt8], isError: Bool) {
        self.bytes = bytes
        self.isError = isError
    }

    /// The piece as a row.
    package var row: ArraySlice<UInt8> {
        var object = JSONObject()
        let key = isError ? "stderr" : "stdout"
        if !isLongerAsText, let text = String(validating: bytes, as: UTF8.self) {
            object[key] = .string(text)
        } else {
            object[key] = .string(Base64.text(bytes))
            object["encoding"] = "base64"
        }
        return JSONWriter.bytes(.object(object))[...]
    }

    /// Whether the escapes of control characters would make the text longer than Base64 is: six bytes for one, instead
    /// of four for three.
    private var isLongerAsText: Bool {
        bytes.count { $0 < 0x20 && ![0x09, 0x0A, 0x0D].contains($0) || $0 == 0x7F } > bytes.count / 15
    }

    /// Reads a piece from a row.
    /// - Throws: `remoteFailed` if the row holds none.
    package init(row: ArraySlice<UInt8>) throws(MMError) {
        let object = (try? JSONParser.parse(row))?.object
        let isError = object?["stderr"] != nil
        let text = object?[isError ? "stderr" : "stdout"]?.string
        let bytes = object?["encoding"] == "base64" ? text.flatMap { Base64.bytes($0) } : text.map { Array($0.utf8) }
        guard let bytes else { throw MMError(.remoteFailed, "Part of the command's output can't be read.") }
        self.init(bytes, isError: isError)
    }
}
