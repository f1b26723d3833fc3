import ConformanceFixtures

await ConformanceProgram.main()
