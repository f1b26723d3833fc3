import MMCore
import TestSupport
import Testing

@testable import MMPowerShell

@Suite("Device prompts", .timeLimit(.minutes(5)))
struct PromptReaderTests {
    private let worldwide: ModuleCloud

    init() throws { worldwide = try ModuleCloud.named("public") }

    private func reader(_ profile: any ModuleProfile) -> PromptReader {
        PromptReader(near: profile.promptWords, cloud: worldwide)
    }

    private static let sentence =
        "To sign in, use a web browser to open the page https://microsoft.com/devicelogin and enter the code FXK3T9QMB to authenticate."

    @Test("text on the console, in one piece")
    func console() {
        var reader = reader(ExchangeProfile())
        let prompt = reader.read(ConsoleText(.stdout, Self.sentence + "\n"))
        #expect(
            prompt
                == DevicePrompt(
                    userCode: "FXK3T9QMB", verificationURI: "https://microsoft.com/devicelogin", message: Self.sentence)
        )
    }

    @Test("text on the console, divided anywhere", arguments: 1...40)
    func consolePieces(size: Int) {
        var reader = reader(ExchangeProfile())
        let letters = Array(Self.sentence + "\n")
        var prompts: [DevicePrompt] = []
        for start in stride(from: 0, to: letters.count, by: size) {
            let piece = String(letters[start..<min(start + size, letters.count)])
            if let prompt = reader.read(ConsoleText(.stderr, piece)) { prompts.append(prompt) }
        }
        #expect(prompts.map(\.userCode) == ["FXK3T9QMB"])
        #expect(prompts.first?.verificationURI == "https://microsoft.com/devicelogin")
    }

    @Test("an information record with colours, as Azure writes it")
    func information() {
        var reader = reader(AzureProfile())
        let text =
            "\u{1B}[1m\u{1B}[44m[Login to Azure]\u{1B}[0m To sign in, use a web browser to open the page https://microsoft.com/devicelogin and enter the code \u{1B}[4mB7C8D9F2G\u{1B}[0m to authenticate."
        let prompt = reader.read(PowerShellRecord(.information, ["message": .string(text), "tags": ["PSHOST"]]))
        #expect(prompt?.userCode == "B7C8D9F2G")
        #expect(prompt?.message.hasPrefix("[Login to Azure] To sign in") == true)
    }

    @Test("a warning between empty lines, as PnP writes it")
    func warning() {
        var reader = reader(PnPProfile())
        let text =
            "\n\nOpen a browser, navigate to https://login.microsoftonline.com/common/oauth2/deviceauth and authenticate using code K2M4N6P8R to proceed.\n\n"
        let prompt = reader.read(PowerShellRecord(.warning, .string(text)))
        #expect(prompt?.userCode == "K2M4N6P8R")
        #expect(prompt?.verificationURI == "https://login.microsoftonline.com/common/oauth2/deviceauth")
    }

    @Test("a warning without a page gets the cloud's own")
    func noPage() throws {
        var reader = PromptReader(near: PnPProfile().promptWords, cloud: try ModuleCloud.named("gcchigh"))
        let text = "Code K2M4N6P8R has been copied to your clipboard and a browser has been opened."
        let prompt = reader.read(PowerShellRecord(.warning, .string(text)))
        #expect(prompt?.userCode == "K2M4N6P8R")
        #expect(prompt?.verificationURI == "https://login.microsoftonline.us/common/oauth2/deviceauth")
    }

    @Test("an output object, as Graph writes it")
    func output() {
        var text = reader(GraphProfile())
        #expect(text.read(PowerShellRecord(.output, .string(Self.sentence)))?.userCode == "FXK3T9QMB")
        var object = reader(GraphProfile())
        #expect(
            object.read(PowerShellRecord(.output, ["Message": .string(Self.sentence)]))?.userCode == "FXK3T9QMB")
    }

    @Test("lines of a native program, one record each, as pac prints them")
    func native() {
        var reader = reader(PowerPlatformProfile())
        let lines = [
            "To sign in, use a web browser to open the page", "https://microsoft.com/devicelogin and enter the code",
            "FXK3T9QMB to authenticate.",
        ]
        let prompts = lines.compactMap { reader.read(PowerShellRecord(.output, .string($0))) }
        #expect(prompts.map(\.userCode) == ["FXK3T9QMB"])
        #expect(prompts.first?.verificationURI == "https://microsoft.com/devicelogin")
    }

    @Test(
        "codes of 8 to 12 letters and digits, in any letter case",
        arguments: ["ABCD1234", "FXK3T9QMB", "fxk3t9qmb", "fxktqmbzz", "A1B2C3D4E5F6"])
    func lengths(code: String) {
        var reader = reader(ExchangeProfile())
        #expect(reader.read(ConsoleText(.stdout, "To sign in enter the code \(code) now\n"))?.userCode == code)
    }

    @Test(
        "texts that aren't codes",
        arguments: [
            "To sign in enter the code below to authenticate.\n", "To sign in: error code 50097 came back.\n",
            "To sign in enter the code ABC1234 now\n", "To sign in enter the code A1B2C3D4E5F6G now\n",
            "To sign in, see the code provided in the mail\n", "To sign in enter the barcode FXK3T9QMB now\n",
            "The exit code is FXK3T9QMB.\n", "To sign in enter the codeFXK3T9QMB\n",
        ])
    func noCode(text: String) {
        var reader = reader(ExchangeProfile())
        #expect(reader.read(ConsoleText(.stdout, text)) == nil)
    }

    @Test("words far from the code don't count")
    func farAway() {
        var reader = reader(ExchangeProfile())
        let text = "to sign in" + String(repeating: " blah", count: 200) + " code FXK3T9QMB here\n"
        #expect(reader.read(ConsoleText(.stdout, text)) == nil)
    }

    @Test(
        "a page of another host is replaced by the cloud's",
        arguments: [
            "https://evil.example/devicelogin", "http://microsoft.com/devicelogin",
            "https://microsoft.com@evil.example/devicelogin", "https://microsoft.com.evil.example/x",
        ])
    func foreignPage(page: String) {
        var reader = reader(ExchangeProfile())
        let text = "To sign in open the page \(page) and enter the code FXK3T9QMB to authenticate.\n"
        #expect(reader.read(ConsoleText(.stdout, text))?.verificationURI == "https://microsoft.com/devicelogin")
    }

    @Test("floods of text use little memory, and the code is still found")
    func flood() {
        var reader = reader(ExchangeProfile())
        for _ in 0..<50 { #expect(reader.read(ConsoleText(.stdout, String(repeating: "z ", count: 1000))) == nil) }
        #expect(reader.read(ConsoleText(.stdout, "\n" + Self.sentence + "\n"))?.userCode == "FXK3T9QMB")
    }

    @Test("random text and escape codes never crash, and codes have the form that people enter")
    func fuzz() {
        var numbers = SeededRandom(seed: 8)
        let pieces = [
            "code ", "CODE: ", "to sign in ", "\u{1B}[", "\u{1B}]", "\u{7}", "m", "FXK3T9QMB", "abc", "é", "😀", "\n",
            " ",
            "https://", "microsoft.com/devicelogin", "@", "http", "\u{0}", ".", "1234567890123",
        ]
        for _ in 0..<300 {
            var reader = reader(ExchangeProfile())
            for _ in 0..<20 {
                var text = ""
                for _ in 0..<Int.random(in: 1...10, using: &numbers) {
                    text += pieces.randomElement(using: &numbers) ?? ""
                }
                let prompt =
                    Bool.random(using: &numbers)
                    ? reader.read(ConsoleText(.stdout, text))
                    : reader.read(PowerShellRecord(.output, .string(text)))
                guard let prompt else { continue }
                #expect((8...12).contains(prompt.userCode.count))
                #expect(prompt.userCode.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
                #expect(
                    prompt.verificationURI.hasPrefix("https://microsoft.com")
                        || prompt.verificationURI.hasPrefix("https://login."))
            }
        }
    }

    @Test(
        "escape sequences of every kind are removed",
        arguments: [
            ("\u{1B}[31mred\u{1B}[0m", "red"), ("\u{1B}]0;title\u{7}text", "text"), ("\u{1B}]8;;u\u{1B}\\link", "link"),
            ("\u{1B}(Bplain", "plain"), ("\u{9B}1mx", "x"), ("a\u{7}b\u{0}c", "abc"),
            ("tab\tline\r\n", "tab\tline\r\n"),
            ("\u{1B}", ""), ("\u{1B}[", ""), ("é☃😀", "é☃😀"), ("\u{1B}]unfinished\nnext", "\nnext"),
        ])
    func plain(text: String, expected: String) {
        #expect(TerminalText.plain(text) == expected)
    }
}
