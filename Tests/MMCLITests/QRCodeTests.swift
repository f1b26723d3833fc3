import MMSystem
import Testing

@testable import MMCLI

@Suite("A QR code", .timeLimit(.minutes(5)))
struct QRCodeTests {
    @Test("is a square with a margin, and shown if it fits the screen or a person asks for it")
    func shown() throws {
        guard let code = QRCode("https://microsoft.com/devicelogin") else {
            print("skipped: QR codes: libqrencode is not installed (libqrencode4)")
            return
        }
        let width = try #require(code.lines.first?.count)
        #expect(code.lines.allSatisfy { $0.count == width })
        #expect((width + 1) / 2 == code.lines.count)
        #expect(code.lines[0].allSatisfy { $0 == "█" })
        let large = Terminal.Size(rows: 60, columns: 120)
        let small = Terminal.Size(rows: 24, columns: 80)
        #expect(code.isWanted(on: large, environment: ["LANG": "C.UTF-8"]))
        #expect(!code.isWanted(on: large, environment: ["LANG": "C"]))
        #expect(!code.isWanted(on: small, environment: ["LANG": "C.UTF-8"]))
        #expect(code.isWanted(on: small, environment: ["MM_QR": "always"]))
        #expect(!code.isWanted(on: large, environment: ["LANG": "C.UTF-8", "MM_QR": "never"]))
    }
}
