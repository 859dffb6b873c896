#include "cli/command.h"
#include "cli/print.h"

int main(int argc, char **argv) {
    print_prepare();
    return command_run(argc, argv);
}
