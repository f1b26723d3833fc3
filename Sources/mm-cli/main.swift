import MMServing

TerminalMain.main()
