import MMCore
import Testing

@Suite("Numbers in environment variables")
struct EnvironmentNumberTests {
    @Test("are read within their bounds, and none is read from a variable that is empty or not set")
    func read() throws {
        let environment = ["WHOLE": "65535", "FRACTION": "0.5", "EMPTY": ""]
        #expect(try EnvironmentNumber.read("WHOLE", of: environment, in: 0...UInt16.max, "a port") == 65535)
        #expect(try EnvironmentNumber.read("FRACTION", of: environment, in: 0.5...30, "seconds") == 0.5)
        for name in ["EMPTY", "MISSING"] {
            #expect(try EnvironmentNumber.read(name, of: environment, in: 0...1, "whole seconds") == nil)
        }
    }

    @Test(
        "that are out of bounds or no numbers are refused, with the variable and what to use",
        arguments: ["30.1", "0.4", "-1", "nan", "inf", "5s", " 5"])
    func refused(text: String) {
        let error = #expect(throws: MMError.self) {
            try EnvironmentNumber.read("MM_X", of: ["MM_X": text], in: 0.5...30, "seconds")
        }
        #expect(error?.code == .invalidInput && error?.message == "MM_X can't be `\(text)`.")
        #expect(error?.hint == "Use seconds from 0.5 to 30.")
    }
}
