// Measures MPI_Allreduce; see `bench/allreduce.py`. Rank 0 prints a line of JSON for each LENGTH:CALLS.

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words) {
    MPI_Init(&count, &words);
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    for (int word = 1; word < count; word++) {
        int length, calls;
        if (sscanf(words[word], "%d:%d", &length, &calls) != 2) MPI_Abort(MPI_COMM_WORLD, 2);
        float *values = malloc(sizeof(float) * length);
        double *times = malloc(sizeof(double) * calls);
        for (int call = 0; call < calls + calls / 5 + 1; call++) {
            for (int at = 0; at < length; at++) values[at] = rank + 1;
            MPI_Barrier(MPI_COMM_WORLD);
            double start = MPI_Wtime();
            MPI_Allreduce(MPI_IN_PLACE, values, length, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
            double elapsed = MPI_Wtime() - start;
            for (int at = 0; at < length; at++)
                if (values[at] != size * (size + 1) / 2) MPI_Abort(MPI_COMM_WORLD, 1);
            if (call > calls / 5) times[call - calls / 5 - 1] = elapsed;
        }
        if (rank == 0) {
            printf("{\"length\": %d, \"ranks\": %d, \"us\": [", length, size);
            for (int call = 0; call < calls; call++) printf("%s%.1f", call ? ", " : "", times[call] * 1e6);
            printf("]}\n");
            fflush(stdout);
        }
        free(values);
        free(times);
    }
    MPI_Finalize();
}
