import MMServing

ProgramStart.main()
