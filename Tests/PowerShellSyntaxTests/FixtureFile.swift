import Glibc

/// Recorded cases of the repository.
enum FixtureFile {
    /// The lines of a file under `Tests/Fixtures/powershell`; nil when it is not there.
    static func lines(_ name: String) -> [[UInt8]]? {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
        let path = folder.joined(separator: "/") + "/Fixtures/powershell/" + name
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return bytes.split(separator: UInt8(ascii: "\n")).map(Array.init)
    }
}
